// What this browser keeps: keys that cannot be read out (IndexedDB), what was seen of a project's record, drafts of what is being written (localStorage), the token of
// this tab (sessionStorage). All of it belongs to this server's address. Never here: audio, rows, passphrases, codes.

const NAME = "deadwax";
const STORE = "kept";

function opened() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
    asked.onblocked = () => failed(new Error("another tab holds the store"));
  });
}

async function run(mode, work) {
  const store = await opened();
  try {
    return await new Promise((done, failed) => {
      const turn = store.transaction(STORE, mode);
      const asked = work(turn.objectStore(STORE));
      turn.oncomplete = () => done(asked?.result);
      turn.onabort = turn.onerror = () => failed(turn.error);
    });
  } finally {
    store.close();
  }
}

export const keep = {
  get: (key) => run("readonly", (store) => store.get(key)),
  put: (key, value) => run("readwrite", (store) => store.put(value, key)),
  drop: (key) => run("readwrite", (store) => store.delete(key)),
};

const SESSION = "deadwax.session";
const DRAFT = "deadwax.draft.";
const CHOICE = "deadwax.choice.";

// A browser may forbid all of it; then the page works for as long as it is open.
function quietly(work, otherwise = null) {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

export const tab = {
  read: () => quietly(() => JSON.parse(sessionStorage.getItem(SESSION) ?? "null")),
  write: (session) => quietly(() => (session ? sessionStorage.setItem(SESSION, JSON.stringify(session)) : sessionStorage.removeItem(SESSION))),
};

// What was typed and not sent. One for each place where something can be typed; written at each key.
export const drafts = {
  read: (place) => quietly(() => localStorage.getItem(DRAFT + place), "") ?? "",
  write: (place, text) => quietly(() => (text.trim() ? localStorage.setItem(DRAFT + place, text) : localStorage.removeItem(DRAFT + place))),
};

export const choices = {
  read: (name, otherwise) => quietly(() => localStorage.getItem(CHOICE + name), null) ?? otherwise,
  write: (name, value) => quietly(() => localStorage.setItem(CHOICE + name, value)),
};

// Of somebody who signs out: what they typed goes. Their signing key and what was seen of records stay, as they do at a terminal; what others wrote was never kept.
export function forgetWords(storage = globalThis.localStorage) {
  quietly(() => Object.keys(storage).filter((key) => key.startsWith(DRAFT) || key.startsWith("deadwax.unsent.")).forEach((key) => storage.removeItem(key)));
}
