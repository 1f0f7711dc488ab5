// Where a source is counted: each statement, and each way on from a decision, also the empty one of an `if` without `else`.
import { Kind, Token } from "../instrument/source.mjs";

/** Says nothing by itself. */
const SILENT = new Set([Kind.Block, Kind.Empty]);
const SHORT_CIRCUITS = new Set([Token.Ampersand_Ampersand, Token.Bar_Bar]);

/** Puts a probe at every point of the source, and the points into `points`: probe `i` is `points[i - 1]`. */
export function placePoints(source, points) {
  /** @returns the call that tells it */
  function point(kind, offset) {
    const { line, column } = source.place(offset);
    points.push({ kind, file: source.path, line, column, text: source.lineText(line) });
    return `reach(${points.length})`;
  }

  /** One side of a decision that is a value. */
  function side(node) {
    source.wrap(node.range.start, `(${point("branch", node.range.start)}, (`, node.range.end, "))");
    expression(node);
  }

  function expression(node) {
    if (!node) return;
    switch (node.kind) {
      case Kind.Binary:
        expression(node.left);
        return SHORT_CIRCUITS.has(node.operator) ? side(node.right) : expression(node.right);
      case Kind.Ternary:
        expression(node.condition);
        side(node.ifThen);
        return side(node.ifElse);
      case Kind.Call:
        expression(node.expression);
        return node.args.forEach(expression);
      case Kind.New:
        return node.args.forEach(expression);
      case Kind.UnaryPrefix:
      case Kind.UnaryPostfix:
        return expression(node.operand);
      case Kind.Parenthesized:
      case Kind.Assertion:
      case Kind.PropertyAccess:
        return expression(node.expression);
      case Kind.ElementAccess:
        expression(node.expression);
        return expression(node.elementExpression);
    }
  }

  /** One side of a decision that is a statement. */
  function arm(node) {
    source.wrap(node.range.start, `{ ${point("branch", node.range.start)}; `, source.endOf(node), " }");
    statement(node);
  }

  function ifStatement(node) {
    expression(node.condition);
    // Around the arm: its own bracket closes before this `else`.
    if (!node.ifFalse)
      source.wrap(
        node.range.start,
        "",
        source.endOf(node.ifTrue),
        ` else { ${point("branch", node.ifTrue.range.end)}; }`,
      );
    arm(node.ifTrue);
    if (node.ifFalse?.kind === Kind.If) ifStatement(node.ifFalse);
    else if (node.ifFalse) arm(node.ifFalse);
  }

  function statement(node) {
    if (!SILENT.has(node.kind)) source.insert(node.range.start, `${point("statement", node.range.start)}; `);
    switch (node.kind) {
      case Kind.Block:
        return node.statements.forEach(statement);
      case Kind.If:
        return ifStatement(node);
      case Kind.For:
        for (const declaration of node.initializer?.declarations ?? []) expression(declaration.initializer);
        expression(node.condition);
        return arm(node.body);
      case Kind.While:
      case Kind.Do:
        expression(node.condition);
        return arm(node.body);
      case Kind.Switch:
        expression(node.condition);
        for (const { statements } of node.cases) {
          // Without a statement it falls through to the next.
          if (statements.length === 0) continue;
          const { start } = statements[0].range;
          source.insert(start, `${point("branch", start)}; `);
          statements.forEach(statement);
        }
        return;
      case Kind.Variable:
        for (const { initializer } of node.declarations) expression(initializer);
        return;
      case Kind.Return:
        return expression(node.value);
      case Kind.Expression:
        return expression(node.expression);
    }
  }

  for (const { body } of source.functions) statement(body);
}
