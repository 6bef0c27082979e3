/** Trigger filters (a subset of Jira expressions on `event`) and display conditions. */
import jsep, { type CoreExpression, type Expression, type Identifier } from 'jsep';
import { z } from 'zod';

/** Evaluates a filter. @throws Error for a missing property, as the platform does, or for anything not modeled */
export function evaluateFilter(expression: string, event: Record<string, unknown>): boolean {
  const result = evaluate(jsep(expression), { event });
  if (typeof result !== 'boolean') throw new Error('the filter does not return a boolean');
  return result;
}

function evaluate(node: Expression, scope: Record<string, unknown>): unknown {
  const n = node as CoreExpression;
  switch (n.type) {
    case 'Literal':
      return n.value;
    case 'Identifier': {
      if (!Object.hasOwn(scope, n.name)) throw new Error(`unknown name ${n.name}`);
      return scope[n.name];
    }
    case 'MemberExpression': {
      const object = evaluate(n.object, scope) as Record<string, unknown> | null | undefined;
      const key = n.computed ? String(evaluate(n.property, scope)) : (n.property as Identifier).name;
      if (object === null || object === undefined) {
        if (n.optional) return null;
        throw new Error(`${key} of nothing`);
      }
      if (!Object.hasOwn(object, key)) {
        if (n.optional) return null;
        throw new Error(`no property ${key}`);
      }
      return object[key];
    }
    case 'UnaryExpression':
      if (n.operator === '!') return !evaluate(n.argument, scope);
      break;
    case 'BinaryExpression': {
      const left = evaluate(n.left, scope);
      if (n.operator === '&&') return Boolean(left) && evaluate(n.right, scope);
      if (n.operator === '||') return Boolean(left) || evaluate(n.right, scope);
      const right = evaluate(n.right, scope);
      if (n.operator === '==') return left === right;
      if (n.operator === '!=') return left !== right;
      break;
    }
    default:
  }
  throw new Error(`not modelled in filters: ${node.type}`);
}

export interface ConditionFacts {
  isLoggedIn: boolean;
  isAdmin: boolean;
  appIsLicensed: boolean;
  /** The value of an entity property, or undefined. */
  property(entity: string, key: string): unknown;
}

const PropertyCondition = z.object({
  entity: z.enum(['user', 'app']),
  propertyKey: z.string(),
  objectName: z.string().optional(),
  value: z.string().optional(),
});

/** Whether all entries hold. @throws Error for a condition that the local site does not model */
export function conditionsHold(conditions: Record<string, unknown> | undefined, facts: ConditionFacts): boolean {
  return Object.entries(conditions ?? {}).every(([name, value]) => holds(name, value, facts));
}

function holds(name: string, value: unknown, facts: ConditionFacts): boolean {
  const groups = (): Record<string, unknown>[] => (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
  switch (name) {
    case 'isLoggedIn':
      return facts.isLoggedIn === value;
    case 'isAdmin':
    case 'isSiteAdmin':
      return facts.isAdmin === value;
    case 'appIsLicensed':
      return facts.appIsLicensed === value;
    case 'and':
      return groups().every((group) => conditionsHold(group, facts));
    case 'or':
      return groups().some((group) => conditionsHold(group, facts));
    case 'not':
      return !groups().every((group) => conditionsHold(group, facts));
    case 'entityPropertyExists':
      return readProperty(value, facts) !== undefined;
    case 'entityPropertyEqualTo': {
      const found = readProperty(value, facts);
      return found !== undefined && String(found) === PropertyCondition.parse(value).value;
    }
    default:
      throw new Error(`not modelled: display condition ${name}`);
  }
}

function readProperty(value: unknown, facts: ConditionFacts): unknown {
  const { entity, propertyKey, objectName } = PropertyCondition.parse(value);
  let found = facts.property(entity, propertyKey);
  for (const part of objectName?.split('.') ?? []) {
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[part] : undefined;
  }
  return found;
}
