/** What a statement can end with, apart from an answer. */

/** The numbers and SQL states of MySQL's errors that the gate and the engine raise (MySQL: Server Error Message Reference). */
const MYSQL = {
  ER_BAD_NULL_ERROR: [1048, '23000'],
  ER_TABLE_EXISTS_ERROR: [1050, '42S01'],
  ER_BAD_TABLE_ERROR: [1051, '42S02'],
  ER_NON_UNIQ_ERROR: [1052, '23000'],
  ER_BAD_FIELD_ERROR: [1054, '42S22'],
  ER_WRONG_FIELD_WITH_GROUP: [1055, '42000'],
  ER_TOO_LONG_IDENT: [1059, '42000'],
  ER_DUP_FIELDNAME: [1060, '42S21'],
  ER_DUP_KEYNAME: [1061, '42000'],
  ER_DUP_ENTRY: [1062, '23000'],
  ER_PARSE_ERROR: [1064, '42000'],
  ER_NONUNIQ_TABLE: [1066, '42000'],
  ER_INVALID_DEFAULT: [1067, '42000'],
  ER_MULTIPLE_PRI_KEY: [1068, '42000'],
  ER_TOO_LONG_KEY: [1071, '42000'],
  ER_KEY_COLUMN_DOES_NOT_EXITS: [1072, '42000'],
  ER_TOO_BIG_FIELDLENGTH: [1074, '42000'],
  ER_CANT_DROP_FIELD_OR_KEY: [1091, '42000'],
  ER_FIELD_SPECIFIED_TWICE: [1110, '42000'],
  ER_INVALID_GROUP_FUNC_USE: [1111, 'HY000'],
  ER_MIX_OF_GROUP_FUNC_AND_FIELDS: [1140, '42000'],
  ER_WRONG_VALUE_COUNT_ON_ROW: [1136, '21S01'],
  ER_TABLEACCESS_DENIED_ERROR: [1142, '42000'],
  ER_NO_SUCH_TABLE: [1146, '42S02'],
  ER_BLOB_KEY_WITHOUT_LENGTH: [1170, '42000'],
  ER_WRONG_ARGUMENTS: [1210, 'HY000'],
  ER_TABLE_CANT_HANDLE_FT: [1214, 'HY000'],
  ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT: [1222, '21000'],
  ER_OPERAND_COLUMNS: [1241, '21000'],
  ER_WARN_DATA_OUT_OF_RANGE: [1264, '22003'],
  ER_NO_DEFAULT_FOR_FIELD: [1364, 'HY000'],
  ER_DATA_TOO_LONG: [1406, '22001'],
  ER_RECORD_FILE_FULL: [1114, 'HY000'],
} as const;
export type MySqlErrorCode = keyof typeof MYSQL;

/** An error of the database itself: in the live shape, `debug` carries it. */
export class DatabaseError extends Error {
  readonly errno: number;
  readonly sqlState: string;

  constructor(
    readonly code: MySqlErrorCode,
    message: string,
  ) {
    super(message);
    [this.errno, this.sqlState] = MYSQL[code];
  }
}

/** Refused by Forge before the database sees it. */
export class Refusal extends Error {
  constructor(
    readonly code:
      | 'SQL_POLICY_VIOLATION'
      | 'RATE_LIMIT_EXCEEDED'
      | 'APP_NOT_ENABLED'
      | 'QUERY_TIMED_OUT'
      | 'SQL_EXECUTION_ERROR'
      | 'INVALID_SQL_QUERY',
    message: string,
    readonly status = 400,
    readonly suggestion = '',
  ) {
    super(message);
  }
}

/** Something that Forge may well accept and the local site does not model: 501, and the test fails. */
export class NotModelled extends Error {}
