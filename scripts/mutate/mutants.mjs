// Which places of a source can be broken, and how. All mutants of all files stand in one built filter, and its cell chooses one:
// so the filter is built once, with the release's own options, and a mutant costs no build.
import { Kind, Token } from "../instrument/source.mjs";

const COMPARISONS = new Map([
  [Token.LessThan, ["<=", ">="]],
  [Token.LessThan_Equals, ["<", ">"]],
  [Token.GreaterThan, [">=", "<="]],
  [Token.GreaterThan_Equals, [">", "<"]],
  [Token.Equals_Equals, ["!="]],
  [Token.Exclamation_Equals, ["=="]],
]);
const OPERATORS = new Map([
  ...COMPARISONS,
  [Token.Ampersand_Ampersand, ["||"]],
  [Token.Bar_Bar, ["&&"]],
  [Token.Plus, ["-"]],
  [Token.Minus, ["+"]],
  [Token.Asterisk, ["+"]],
  [Token.LessThan_LessThan, [">>"]],
  [Token.GreaterThan_GreaterThan, ["<<"]],
  [Token.Ampersand, ["|"]],
  [Token.Bar, ["&"]],
  [Token.Caret, ["|"]],
]);
const ASSIGNMENTS = new Set([
  Token.Equals,
  Token.Plus_Equals,
  Token.Minus_Equals,
  Token.Bar_Equals,
  Token.Ampersand_Equals,
]);
/** Built-in functions whose arguments are laid out at compile time, or are addresses and not numbers. */
const LAID_OUT = /^(?:memory\.data|changetype|offsetof|sizeof|load|store)\b/;
/** `MAX_APPROVALS`: a bound, and no sentence (`ENTITLEMENT_LACKS`) or empty struct (`NO_TEXT`). */
const CONSTANT = /^(?:MAX|MIN|DEFAULT|REQUIRED)_[A-Z0-9_]+$|_(?:BYTES|CHARACTERS|SECONDS)$/;
/** Words on the screen: a text that is wrong breaks no check. */
const WORDING = new Set(["loading.refuse", "loading.explain"]);

function each(list, visit) {
  for (const item of list) visit(item);
}

/** Numbers a mutant and returns the condition under which it is in force. */
function numbering(source, mutants) {
  return (node, from, to) => {
    const { line, column } = source.place(node.range.start);
    const [above, text] = [line - 1, line].map((number) => source.lineText(Math.max(number, 1)));
    mutants.push({ id: mutants.length + 1, file: source.path, line, column, from, to, text, above });
    return `isBroken(${mutants.length})`;
  };
}

/** Puts every mutant of the source into it, and into `mutants`. */
export function placeMutants(source, mutants) {
  const mutant = numbering(source, mutants);
  const short = (text) => text.replace(/\s+/g, " ");

  /** `(isBroken(1) ? a <= b : isBroken(2) ? a >= b : (a < b))` */
  function choose(node, choices) {
    const { start, end } = node.range;
    const heads = choices.map(({ from, to, text }) => `${mutant(node, from, to)} ? (${text}) : `);
    source.wrap(start, `(${heads.join("")}(`, end, "))");
  }

  function force(condition, values) {
    const text = short(source.textOf(condition));
    choose(
      condition,
      values.map((value) => ({ from: text, to: value, text: value })),
    );
  }

  function replaceOperator(node, replacements) {
    const left = source.text.slice(node.range.start, node.left.range.end);
    const right = source.text.slice(node.right.range.start, node.range.end);
    const operator = source.text.slice(node.left.range.end, node.right.range.start).trim();
    const from = short(source.textOf(node));
    const choices = replacements.map((other) => ({ from, to: `… ${other} …`, text: `${left} ${other} ${right}` }));
    // One less than a bound; one more is what the other comparison of the same values says.
    if (COMPARISONS.has(node.operator) && node.right.kind === Kind.Identifier && CONSTANT.test(right))
      choices.push({ from, to: `${right} - 1`, text: `${left} ${operator} ${right} - 1` });
    choose(node, choices);
  }

  function drop(statement) {
    const text = short(source.textOf(statement));
    const condition = mutant(statement, text, "nothing");
    // In a block of its own: an `else` behind it belongs to another `if`.
    source.wrap(statement.range.start, `{ if (!${condition}) { `, source.endOf(statement), " } }");
  }

  const isAssignment = (node) => node.kind === Kind.Binary && ASSIGNMENTS.has(node.operator);
  const isWording = (node) => node.kind === Kind.Call && WORDING.has(source.textOf(node.expression));

  function expression(node, isCompared = false) {
    if (!node) return;
    switch (node.kind) {
      case Kind.Binary: {
        if (ASSIGNMENTS.has(node.operator)) return expression(node.right);
        const replacements = OPERATORS.get(node.operator);
        if (replacements !== undefined) replaceOperator(node, replacements);
        const compares = COMPARISONS.has(node.operator);
        expression(node.left, compares);
        return expression(node.right, compares);
      }
      case Kind.Ternary:
        force(node.condition, ["false", "true"]);
        expression(node.condition);
        expression(node.ifThen);
        return expression(node.ifElse);
      case Kind.Call:
        if (LAID_OUT.test(source.textOf(node.expression))) return each(node.args.slice(0, 1), addressOf);
        if (node.expression.kind === Kind.PropertyAccess) expression(node.expression.expression);
        return each(node.args, (argument) => expression(argument));
      case Kind.True:
      case Kind.False: {
        const text = source.textOf(node);
        return force(node, [text === "true" ? "false" : "true"]);
      }
      case Kind.Identifier:
        // In a comparison the operator's mutants stand for it.
        if (CONSTANT.test(source.textOf(node)) && !isCompared) return oneMore(node);
        return;
      case Kind.Literal:
        if (/^(?:0x[0-9a-f]+|[0-9]+)$/.test(source.textOf(node))) return oneMore(node);
        return;
      case Kind.UnaryPrefix:
        if (node.operator === Token.Exclamation)
          choose(node, [{ from: short(source.textOf(node)), to: "not negated", text: source.textOf(node.operand) }]);
        return expression(node.operand);
      case Kind.Parenthesized:
      case Kind.Assertion:
        return expression(node.expression, isCompared);
      case Kind.PropertyAccess:
        return expression(node.expression);
      case Kind.ElementAccess:
        expression(node.expression);
        return expression(node.elementExpression);
    }
  }

  function oneMore(node) {
    const text = source.textOf(node);
    choose(node, [{ from: text, to: `${text} + 1`, text: `${text} + 1` }]);
  }

  /** An address: only what is computed in it. */
  function addressOf(node) {
    if (node.kind === Kind.Call) expression(node);
    else if (node.kind === Kind.Binary) {
      expression(node.left);
      expression(node.right);
    }
  }

  function condition(node, values) {
    force(node, values);
    expression(node);
  }

  function statement(node) {
    if (!node) return;
    switch (node.kind) {
      case Kind.Block:
        return each(node.statements, statement);
      case Kind.If:
        condition(node.condition, ["false", "true"]);
        statement(node.ifTrue);
        return statement(node.ifFalse);
      case Kind.For:
        // Never `true`, and no other step: they would only never end.
        if (node.condition) condition(node.condition, ["false"]);
        return statement(node.body);
      case Kind.While:
      case Kind.Do:
        condition(node.condition, ["false"]);
        return statement(node.body);
      case Kind.Switch:
        expression(node.condition);
        return each(node.cases, ({ statements }) => each(statements, statement));
      case Kind.Variable:
        return each(node.declarations, ({ initializer }) => expression(initializer));
      case Kind.Return:
        return expression(node.value);
      case Kind.Expression: {
        const inner = node.expression;
        if (!isWording(inner) && (inner.kind === Kind.Call || inner.kind === Kind.UnaryPostfix || isAssignment(inner)))
          drop(node);
        return expression(inner);
      }
    }
  }

  for (const { body } of source.functions) statement(body);
}
