/** Tasks from a generator, at most so many at a time; the first error ends it, once what runs has ended. */
export async function inParallel<T>(tasks: Iterable<T>, most: number, run: (task: T) => Promise<void>): Promise<void> {
  const iterator = tasks[Symbol.iterator]();
  let isOver = false;
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); !isOver && next.done !== true; next = iterator.next()) {
      try {
        await run(next.value);
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: most }, work));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
