/**
 * The named steps of the protocol: where a crash makes a difference. Whoever takes a step says so in front of it, so that a simulator can end the
 * process just there and can tell which steps a test has been through.
 */
export type ProtocolStep =
  /** Coordinator: a checkpoint is about to be asked for. */
  | 'triggered'
  /** Coordinator: an aligned one is about to go on unaligned. */
  | 'overtaken'
  /** Subtask: barriers are about to be put on its outputs. */
  | 'barrier'
  /** Subtask: its snapshot is about to be taken. */
  | 'snapshot'
  /** Subtask: bytes are about to be handed to storage. */
  | 'state-write'
  /** Coordinator: a subtask has acknowledged, which is about to be noted. */
  | 'acknowledged'
  /** Coordinator: all have acknowledged, the manifest is about to be written. */
  | 'manifest-write'
  /** Coordinator: the manifest is durable, and nobody knows yet. */
  | 'manifest-rename'
  /** Coordinator: it is noted as complete, subtasks are about to be told. */
  | 'completed'
  /** Subtask: a prepared transaction is about to be committed. */
  | 'commit'
  /** Coordinator: an older checkpoint is about to be removed. */
  | 'retention'
  /** Coordinator: a checkpoint is about to be given up. */
  | 'aborted'
  /** Coordinator: a file is about to be copied into a savepoint. */
  | 'savepoint-copy'
  /** Subtask: state is about to be loaded. */
  | 'restore'

export const protocolSteps: readonly ProtocolStep[] = [
  'triggered',
  'overtaken',
  'barrier',
  'snapshot',
  'state-write',
  'acknowledged',
  'manifest-write',
  'manifest-rename',
  'completed',
  'commit',
  'retention',
  'aborted',
  'savepoint-copy',
  'restore',
]
