// The rows of one project as this person sees them, by key, and the questions that views ask of them. A snapshot replaces all of it. Never here: rules; what may be done
// stands in the rows.

const KINDS = ["project", "member", "song", "gate", "version", "note", "request", "render", "delivery", "recipe", "record"];
const ORDER = { TAKE: 0, MIX: 1, MASTER: 2 };

export class Rows {
  constructor() {
    this.byKey = new Map();
    this.seq = 0;
    this.pending = null;
  }

  // True where something changed. A snapshot in several pieces counts when its last one is here: all but the last carry the seq from before.
  take(update) {
    if (update.snapshot) this.pending = new Map();
    const map = this.pending ?? this.byKey;
    for (const row of update.upserts) {
      const kind = KINDS.find((name) => row[name]);
      if (kind) map.set(row.key, row[kind]);
    }
    for (const key of update.removals) map.delete(key);
    if (this.pending && update.seq > 0) {
      this.byKey = this.pending;
      this.pending = null;
    }
    this.seq = update.seq;
    return update.snapshot || update.upserts.length > 0 || update.removals.length > 0;
  }

  get ready() {
    return this.byKey.has("project");
  }
  get project() {
    return this.byKey.get("project") ?? null;
  }
  all(prefix) {
    const found = [];
    for (const [key, row] of this.byKey) if (key.startsWith(prefix)) found.push(row);
    return found;
  }

  songs() {
    return this.all("song/").sort((a, b) => a.position - b.position);
  }
  song(id) {
    return this.byKey.get(`song/${id}`) ?? null;
  }
  gate(song) {
    return this.byKey.get(`gate/${song}`) ?? null;
  }
  version(id) {
    return this.byKey.get(`version/${id}`) ?? null;
  }
  // The newest first: masters, mixes, takes.
  versions(song) {
    const found = this.all("version/").filter((row) => row.song_id === song);
    return found.sort((a, b) => ORDER[b.kind] - ORDER[a.kind] || b.number - a.number || (a.line < b.line ? -1 : 1));
  }
  members() {
    return this.all("member/");
  }
  member(id) {
    return this.byKey.get(`member/${id}`) ?? null;
  }
  record() {
    return this.all("record/").sort((a, b) => b.number - a.number)[0] ?? null;
  }
  requests(song) {
    return this.all("request/").filter((row) => row.song_id === song).sort((a, b) => b.at_ms - a.at_ms);
  }

  // Threads of a song: notes with their replies, as they stand in a version.
  threads(song, version) {
    const notes = this.all("note/").filter((row) => row.song_id === song);
    const byId = new Map(notes.map((note) => [note.note_id, note]));
    const replies = new Map();
    const heads = [];
    for (const note of notes) {
      if (note.parent_note_id && byId.has(note.parent_note_id)) {
        let head = byId.get(note.parent_note_id);
        while (head.parent_note_id && byId.has(head.parent_note_id)) head = byId.get(head.parent_note_id);
        replies.set(head.note_id, [...(replies.get(head.note_id) ?? []), note]);
      } else heads.push(note);
    }
    const threads = heads.map((note) => ({
      note, replies: (replies.get(note.note_id) ?? []).sort((a, b) => a.at_ms - b.at_ms), place: placeOf(note, version),
    }));
    return threads.sort((a, b) => (a.place?.start_ms ?? -1) - (b.place?.start_ms ?? -1) || a.note.at_ms - b.note.at_ms);
  }
}

// Where a note stands in a version: where it was moved to, else where it was written; null: of the song as a whole.
export function placeOf(note, version) {
  const moved = note.places.find((place) => place.version_id === version);
  if (moved && moved.start_ms !== null) return { start_ms: moved.start_ms, end_ms: moved.end_ms, moved: moved.kind };
  return note.start_ms === null ? null : { start_ms: note.start_ms, end_ms: note.end_ms, moved: null };
}

// "May I?" of a row: the server's answer, or a no without a sentence where it gave none.
export function may(row, action) {
  return row?.allowed?.find((one) => one.action === action) ?? { action, yes: false, reason: "", text: "", hint: "" };
}
