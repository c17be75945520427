/** All SQL. Every engine takes every statement; parameters are written `:name`. */

/**
 * The same statement for the rows of one person: every one that reads rows of tasks or films by `scope = :scope`.
 * @param person undefined: everybody's, the statement as it is
 */
export function ofPerson(statement: string, person: string | undefined): string {
  // The second condition lets the engines use the indexes that leave out what is nobody's.
  const mine = "scope = :scope AND person = :person AND person <> ''";
  return person === undefined ? statement : statement.replaceAll('scope = :scope', mine);
}

const OPEN = "('queued', 'submitting', 'generating')";

/** A lease that has run out is enough: a process that only slept finds its entry claimed, and sends nothing. */
const LEFT_QUEUED_CONDITION = `scope = :scope AND status = 'queued'
  AND (owner IS NULL OR owner NOT IN (SELECT host.id FROM host WHERE host.lease_until > :now))`;

const TASK = `task.seq, task.id, task.req_key, task.mode, task.fingerprint, task.status, task.fen, task.reserved_at,
  task.closed_at, task.attempts, task.person, task.save_again_at, task.provider_task_id, task.finished_from, task.finished_to,
  task.record, (SELECT host.lease_until FROM host WHERE host.id = task.owner) AS owner_until`;

// Leases

export const INSERT_HOST = `INSERT INTO host (id, name, lease_until, scope, sends)
  VALUES (:id, :name, :until, :scope, :sends)`;
export const RENEW_HOST = 'UPDATE host SET lease_until = :until WHERE id = :id';
export const DELETE_HOST = 'DELETE FROM host WHERE id = :id';
/** Its renewals wait until this transaction ends, and find it gone. */
export const LOCK_DEAD_HOST = 'UPDATE host SET lease_until = lease_until WHERE id = :id AND lease_until <= :now';
export const HOSTS = 'SELECT id, lease_until FROM host';
const WORKER = "scope = :scope AND sends = 'all' AND lease_until > :now";
export const WORKERS = `SELECT COUNT(*) AS count FROM host WHERE ${WORKER}`;
/** A process that is going to send this task: a worker, or the one that queued it. */
export const SENDER = `SELECT 1 AS is_sent FROM host
  WHERE (${WORKER}) OR (sends = 'own' AND id = (SELECT task.owner FROM task WHERE task.id = :id)) LIMIT 1`;
/** A clock that was turned back must not make a lease last for hours: its holder, if it lives, renews it in time. */
export const SHORTEN_LEASES = 'UPDATE host SET lease_until = :longest WHERE lease_until > :limit';

// Tasks

export const INSERT_BODY = 'INSERT INTO body (task_id, written_at, bytes) VALUES (:id, :now, :bytes)';
export const BODY = 'SELECT bytes FROM body WHERE task_id = :id';
export const REPLACE_BODY = 'UPDATE body SET bytes = :bytes WHERE task_id = :id';
export const DELETE_BODY = 'DELETE FROM body WHERE task_id = :id';
/** Of processes that died between writing a body and its task. */
export const DELETE_STRAY_BODIES =
  'DELETE FROM body WHERE written_at < :before AND task_id NOT IN (SELECT task.id FROM task)';

export const INSERT_TASK = `INSERT INTO task (id, scope, person, req_key, mode, fingerprint, status, fen, reserved_at, closed_at, attempts,
  claim, owner, holder, slot_until, save_again_at, provider_task_id, finished_from, finished_to, waits_for, record)
  VALUES (:id, :scope, :person, :req_key, :mode, :fingerprint, :status, :fen, :reserved_at, :closed_at, :attempts,
  :claim, :owner, :holder, :slot_until, :save_again_at, :provider_task_id, :finished_from, :finished_to, :waits_for, :record)
  ON CONFLICT (id) DO NOTHING`;

const CHANGES = `req_key = :req_key, mode = :mode, fingerprint = :fingerprint, status = :status, fen = :fen, closed_at = :closed_at, attempts = :attempts,
  claim = :claim, owner = :owner, holder = :holder, slot_until = :slot_until, save_again_at = :save_again_at,
  provider_task_id = :provider_task_id, finished_from = :finished_from, finished_to = :finished_to, waits_for = :waits_for,
  record = :record`;

/** The task lock is held, and the row was read in this transaction. */
export const UPDATE_TASK = `UPDATE task SET ${CHANGES} WHERE id = :id`;
/** The outcome of a claim: repeatable, also out of \`unknown\`, never by anyone else. */
export const SETTLE_TASK = `UPDATE task SET ${CHANGES}
  WHERE id = :id AND claim = :claim_was AND status IN ('submitting', 'unknown')`;
/** A dead process's claim: never over an outcome that it wrote meanwhile. */
export const INTERRUPT_TASK = `UPDATE task SET ${CHANGES}
  WHERE id = :id AND claim = :claim AND status = 'submitting'`;
/** By the holder of the lease: fenced by its token. */
export const SAVE_TASK = `UPDATE task SET ${CHANGES} WHERE id = :id AND holder = :holder_was`;

export const FIND_TASK = `SELECT ${TASK} FROM task WHERE scope = :scope AND id = :id`;
export const FIND_BY_PROVIDER_ID = `SELECT ${TASK} FROM task WHERE scope = :scope AND provider_task_id = :id ORDER BY seq DESC LIMIT 1`;
export const CLAIMED_TASK = `SELECT ${TASK} FROM task WHERE id = :id AND claim = :claim`;
export const TASK_OF_CLAIM = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND claim = :claim AND status IN ('submitting', 'unknown')`;
export const CLAIM_OF = 'SELECT claim FROM task WHERE id = :id';
export const IS_CLAIM_HELD = `SELECT 1 AS held FROM task, host
  WHERE task.id = :id AND task.claim = :claim AND task.status = 'submitting' AND host.id = task.owner AND host.lease_until > :until`;

/** Joining happens within a person. `+seq`: to give them in order, SQLite would walk all tasks from the newest on. */
export const SAME_REQUESTS = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND person = :person AND fingerprint IN (:fingerprint, :awaiting) ORDER BY +seq DESC LIMIT 20`;
export const RESERVED_SUM = `SELECT COALESCE(SUM(fen), 0) AS fen FROM task
  WHERE scope = :scope AND reserved_at > :since`;
/** When enough of what is reserved now is 24 hours old. */
export const ROOM_AT = `SELECT MIN(reserved_at) AS at FROM (
    SELECT reserved_at, SUM(fen) OVER (ORDER BY reserved_at, seq) AS freed FROM task
    WHERE scope = :scope AND reserved_at > :since
  ) AS running WHERE freed >= :needed`;

// Queue

/** What waits for another task's video is not. */
const JOIN_TURN = `LEFT JOIN turn
    ON turn.scope = :scope AND turn.req_key = :req_key AND turn.person = waiting.person`;
/** Processes whose requests are sent: by themselves, or by a worker. */
const SENT = `SELECT host.id FROM host WHERE host.id = :me OR (host.lease_until > :now
      AND (host.sends <> 'none' OR EXISTS (SELECT 1 FROM host AS worker WHERE ${WORKER})))`;
const IN_QUEUE = "scope = :scope AND req_key = :req_key AND status = 'queued' AND waits_for IS NULL";
/**
 * The queue takes turns among people: next is the person whose last claim of this capability lies longest ago, or who
 * has made none; of each person the first request. Where all belong to one, or to nobody, that is first come, first
 * served. Only what a living process, or this one, is to send counts: what nobody sends must not keep others waiting. For
 * a worker (`:any` is 1) everything counts.
 */
export const QUEUE_HEAD = `SELECT ${TASK}, task.owner AS owner FROM task WHERE task.seq = (
  SELECT waiting.first FROM (
    SELECT person, MIN(seq) AS first FROM task WHERE ${IN_QUEUE}
    AND (:any = 1 OR owner IN (${SENT})) GROUP BY person
  ) AS waiting
  ${JOIN_TURN}
  ORDER BY COALESCE(turn.taken, 0), waiting.first LIMIT 1)`;
export const QUEUED_OF = `SELECT COUNT(*) AS count FROM task
  WHERE ${IN_QUEUE} AND (:any = 1 OR owner = :me)`;
export const QUEUED_KEYS = `SELECT DISTINCT req_key FROM task
  WHERE scope = :scope AND status = 'queued' AND waits_for IS NULL`;
/** The people who wait, in the order of their turns: how many requests each has, and how many recorded before `:id`. */
export const WAITING_PEOPLE = `SELECT waiting.person AS person, waiting.count AS count, waiting.earlier AS earlier FROM (
    SELECT person, MIN(seq) AS first, COUNT(*) AS count,
      SUM(CASE WHEN seq < (SELECT other.seq FROM task AS other WHERE other.id = :id) THEN 1 ELSE 0 END) AS earlier
    FROM task WHERE ${IN_QUEUE} AND owner IN (${SENT}) GROUP BY person
  ) AS waiting
  ${JOIN_TURN}
  ORDER BY COALESCE(turn.taken, 0), waiting.first`;
/** A claim: the others' turns come first now. */
export const TAKE_TURN = `INSERT INTO turn (scope, req_key, person, taken)
  VALUES (:scope, :req_key, :person, (SELECT COALESCE(MAX(other.taken), 0) + 1 FROM turn AS other
    WHERE other.scope = :scope AND other.req_key = :req_key))
  ON CONFLICT (scope, req_key, person) DO UPDATE SET taken = excluded.taken`;
/** Nothing was sent after all: the person is next again. */
export const GIVE_TURN_BACK =
  'UPDATE turn SET taken = 0 WHERE scope = :scope AND req_key = :req_key AND person = :person';
export const SLOTS = `SELECT id, person, status, closed_at, slot_until FROM task
  WHERE scope = :scope AND req_key = :req_key AND slot_until > :now`;
export const PACING = `SELECT limit_now, limit_until, paused_until, refusals, probed_at FROM pacing
  WHERE scope = :scope AND req_key = :req_key`;
export const WRITE_PACING = `INSERT INTO pacing (scope, req_key, limit_now, limit_until, paused_until, refusals, probed_at)
  VALUES (:scope, :req_key, :limit_now, :limit_until, :paused_until, :refusals, :probed_at)
  ON CONFLICT (scope, req_key) DO UPDATE SET limit_now = excluded.limit_now, limit_until = excluded.limit_until,
  paused_until = excluded.paused_until, refusals = excluded.refusals, probed_at = excluded.probed_at`;
export const WAITING_OF = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND owner = :me AND status = 'queued' AND waits_for IS NOT NULL ORDER BY seq`;
/** Entries whose process is gone: resumed by a paid call, or one of them by its own \`get\`. */
export const IS_ANY_LEFT = `SELECT 1 AS is_left FROM task WHERE ${LEFT_QUEUED_CONDITION}
  AND (:id = '' OR id = :id) AND reserved_at >= :since LIMIT 1`;
export const RESUME_QUEUED = `UPDATE task SET owner = :me WHERE ${LEFT_QUEUED_CONDITION}
  AND (:id = '' OR id = :id) AND reserved_at >= :since RETURNING id, req_key`;

// Holding and recovery

export const HOLD_TASK = `UPDATE task SET holder = :me WHERE scope = :scope AND id = :id AND (holder IS NULL OR holder = :me)
  AND status IN ('generating', 'done', 'not_found', 'expired') RETURNING id`;
export const RELEASE_TASK = 'UPDATE task SET holder = NULL WHERE id = :id AND holder = :me';
export const IS_HELD = 'SELECT 1 AS held FROM task WHERE id = :id AND holder = :me';
export const INTERRUPTED = `SELECT ${TASK}, task.scope AS scope, task.claim AS claim FROM task WHERE status = 'submitting' AND owner = :host`;
export const LEFT_QUEUED = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND status = 'queued' AND owner IS NULL`;
/** What this process holds: of this it knows itself what is polled. */
export const HELD_BY_ME = `SELECT id FROM task
  WHERE scope = :scope AND holder = :me AND (status = 'generating' OR save_again_at <= :now)`;
/** What nobody polls, and what nobody saves. Two searches: with OR neither index would be used. */
const UNPOLLED = "scope = :scope AND status = 'generating' AND holder IS NULL";
const UNSAVED = 'scope = :scope AND save_again_at <= :now AND holder IS NULL';
export const IS_ANY_ORPHAN = `SELECT 1 AS is_orphan FROM task WHERE ${UNPOLLED}
  UNION ALL SELECT 1 AS is_orphan FROM task WHERE ${UNSAVED} LIMIT 1`;
/** @param skipLocked Engine.skipLocked: several processes take over a dead one's tasks */
export const holdUnpolled = (skipLocked: string) => holdFirst(`${UNPOLLED} ORDER BY seq`, skipLocked);
export const holdUnsaved = (skipLocked: string) => holdFirst(`${UNSAVED} ORDER BY save_again_at`, skipLocked);
/** MATERIALIZED: PostgreSQL could search, and lock, again for each row. */
function holdFirst(condition: string, skipLocked: string): string {
  return `WITH orphan AS MATERIALIZED (SELECT seq FROM task WHERE ${condition} LIMIT :limit ${skipLocked})
  UPDATE task SET holder = :me WHERE seq IN (SELECT orphan.seq FROM orphan) AND holder IS NULL RETURNING ${TASK}`;
}
export const OPEN_COUNT = `SELECT
  (SELECT COUNT(*) FROM task WHERE scope = :scope AND status IN ${OPEN})
  + (SELECT COUNT(*) FROM task WHERE scope = :scope AND save_again_at IS NOT NULL) AS count`;

// Films

const FILM = 'id, person, fingerprint, status, reserved_at, record';

export const INSERT_FILM = `INSERT INTO film (id, scope, person, fingerprint, status, reserved_at, record)
  VALUES (:id, :scope, :person, :fingerprint, :status, :reserved_at, :record) ON CONFLICT (id) DO NOTHING`;
/** The account is locked, and the row was read in this transaction. */
export const UPDATE_FILM = 'UPDATE film SET status = :status, record = :record WHERE id = :id';
export const FIND_FILM = `SELECT ${FILM} FROM film WHERE scope = :scope AND id = :id`;
export const SAME_FILMS = `SELECT ${FILM} FROM film
  WHERE scope = :scope AND person = :person AND fingerprint = :fingerprint ORDER BY seq DESC LIMIT 20`;
export const NEWEST_FILMS = `SELECT ${FILM} FROM film
  WHERE scope = :scope ORDER BY seq DESC LIMIT :limit`;
export const OPEN_FILMS = "SELECT id FROM film WHERE scope = :scope AND status = 'running'";
export const HOLD_FILM = `UPDATE film SET holder = :me WHERE scope = :scope AND id = :id AND (holder IS NULL OR holder = :me)
  RETURNING id`;
export const IS_FILM_HELD = 'SELECT 1 AS held FROM film WHERE id = :id AND holder = :me';
export const RELEASE_FILM = 'UPDATE film SET holder = NULL WHERE id = :id AND holder = :me';
/** A queued shot is withdrawn, or continues from another take of the one before it. */
export const CHANGE_QUEUED = `UPDATE task SET status = :status, fen = :fen, closed_at = :closed_at, waits_for = :waits_for,
  owner = CASE WHEN :is_over = 1 THEN NULL ELSE owner END, record = :record WHERE id = :id AND status = 'queued'`;

// Lists

export const NEWEST = `SELECT ${TASK} FROM task WHERE scope = :scope ORDER BY seq DESC LIMIT :limit`;
export const NEWEST_OF_STATUS = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND status = :status ORDER BY seq DESC LIMIT :limit`;
/**
 * What a filter that is '' lets through is everything. Lists are written `,one,two,`. `:text` is searched for in the
 * whole record, which holds more than what is meant: the caller looks again at what is found.
 */
const FILTERED = `scope = :scope AND (:mode = '' OR mode = :mode)
  AND (:statuses = '' OR :statuses LIKE '%,' || status || ',%') AND (:ids = '' OR :ids LIKE '%,' || id || ',%')`;
/** The ones before a task, newest first. @param :before '' begins with the newest */
export const FILTERED_TASKS = `SELECT ${TASK} FROM task WHERE ${FILTERED}
  AND seq < COALESCE((SELECT other.seq FROM task AS other WHERE scope = :scope AND other.id = :before), ${Number.MAX_SAFE_INTEGER})
  AND (:text = '' OR id LIKE :text ESCAPE '!' OR LOWER(record) LIKE :text ESCAPE '!') ORDER BY seq DESC LIMIT :limit`;
export const FILTERED_COUNT = `SELECT COUNT(*) AS count FROM task WHERE ${FILTERED}`;
/** `+seq`: as SAME_REQUESTS. */
export const OPEN_TASKS = `SELECT ${TASK} FROM task
  WHERE scope = :scope AND status IN ${OPEN} ORDER BY +seq DESC LIMIT :limit`;
export const OPEN_IDS = `SELECT id, status FROM task WHERE scope = :scope AND status IN ${OPEN}
  UNION ALL SELECT id, status FROM task WHERE scope = :scope AND save_again_at IS NOT NULL`;
/** Of every account: their unfinished files are in use, too. */
export const UNSAVED_IDS = `SELECT id FROM task WHERE status IN ${OPEN} OR save_again_at IS NOT NULL`;
export const STATUS_SUMS = `SELECT status, COUNT(*) AS count, SUM(fen) AS fen FROM task
  WHERE scope = :scope GROUP BY status`;
export const DONE_SINCE = `SELECT COALESCE(SUM(fen), 0) AS fen FROM task
  WHERE scope = :scope AND reserved_at > :since AND status = 'done'`;
export const IDS_THAT_BEGIN = `SELECT id FROM task
  WHERE scope = :scope AND id >= :from AND id < :to ORDER BY id DESC LIMIT :limit`;
export const FINISHED_BETWEEN = `SELECT finished_from, finished_to FROM task
  WHERE scope = :scope AND mode = :mode AND finished_to IS NOT NULL ORDER BY closed_at DESC LIMIT :limit`;
