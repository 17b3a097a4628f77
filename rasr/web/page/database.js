/** IndexedDB, with promises. */

/** Something was kept once: to look for it makes nothing. */
export async function databaseExists(name, factory = indexedDB) {
  // Firefox before 126 does not tell.
  return factory.databases === undefined || (await factory.databases()).some((one) => one.name === name);
}

/**
 * @param {string} name
 * @param {number} version
 * @param {(database: IDBDatabase) => void} build makes its stores
 * @param {() => void} onClose it is closed, and can be opened again
 * @returns {Promise<IDBDatabase>}
 * @throws {Error} this browser keeps nothing for pages
 */
export async function openDatabase(name, version, build, onClose) {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => build(request.result);
  const database = await result(request);
  // Another tab wants to delete or rebuild it: give way.
  database.onversionchange = () => {
    database.close();
    onClose();
  };
  // Its data is deleted in the settings of the browser.
  database.onclose = onClose;
  return database;
}

/** Do all of `work`, or nothing; resolves when it is on the disk. */
export async function change(database, names, work) {
  const transaction = database.transaction(names, "readwrite", { durability: "strict" });
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("given up"));
  });
  // Who waits for `work` hears of its fault first.
  done.catch(() => {});
  try {
    await work(storesOf(transaction, names));
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // It has ended by itself, with the same fault.
    }
    throw error;
  }
  await done;
}

/** The stores of a transaction by their names. */
export function storesOf(transaction, names) {
  return Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
}

export function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export function first(store) {
  return result(store.openCursor());
}

export function next(cursor) {
  const { request } = cursor;
  cursor.continue();
  return result(request);
}
