/** A call of the control API that cannot be carried out. Nothing was changed. */
export class ControlError extends Error {
  constructor(
    readonly status: 400 | 404,
    message: string,
  ) {
    super(message);
  }
}
