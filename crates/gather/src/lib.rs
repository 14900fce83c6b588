//! Hands what SQLite writes into its write-ahead log to the system in one piece.
//!
//! SQLite writes each page of a commit by two calls: a header of 24 bytes, then the page. A batch of messages
//! changes dozens of pages, and the calls were a quarter of what its writing cost. Here what follows upon one
//! another in the file is kept until the file is asked to sync or anything else is done to it, and then written
//! at once. What is on the disk when a sync returns, and in which order, stays what it was.
//!
//! This is the one crate that contains unsafe code: it stands between SQLite's pager and the functions by which
//! that reaches a file. Nothing else belongs here.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::Connection;
use rusqlite::ffi::{
    SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_IOERR, SQLITE_IOERR_WRITE, SQLITE_OK, sqlite3_file,
    sqlite3_file_control, sqlite3_int64, sqlite3_io_methods,
};

/// How much is kept at most. SQLite's layer for Unix passes on less than 128 KiB by one call.
const MOST: usize = 0x1_ffff;

/// What a file's methods are replaced by.
#[repr(C)]
struct Gathered {
    /// Stands first: SQLite sees this only, and every method finds the rest by its address.
    methods: sqlite3_io_methods,
    inner: *const sqlite3_io_methods,
    /// Not written yet, and where it belongs.
    pending: Vec<u8>,
    at: sqlite3_int64,
}

/// Gathers what this connection writes into its log. Whether that is so now: not where there is no log, or where
/// it had been asked for before.
///
/// The connection must sync its log with every commit and not write pages of a transaction before its commit
/// (`synchronous = FULL`, `cache_spill = OFF`): so nothing is left here once others may write the log.
pub fn gather(connection: &Connection) -> bool {
    let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
    if !mode.is_ok_and(|mode| mode == "wal") {
        return false;
    }
    let mut file: *mut sqlite3_file = ptr::null_mut();
    // SAFETY: the handle is that of an open connection, which nobody else uses meanwhile: it is not `Sync`. With
    // this word SQLite writes one pointer to where it is told to.
    let found = unsafe {
        let out = (&raw mut file).cast::<c_void>();
        sqlite3_file_control(connection.handle(), c"main".as_ptr(), SQLITE_FCNTL_JOURNAL_POINTER, out)
    };
    if found != SQLITE_OK || file.is_null() {
        return false;
    }
    // SAFETY: the file belongs to the connection and is used by its thread only. Its methods are null while it is
    // not open, and else a table that lives as long as the program.
    unsafe {
        let inner = (*file).pMethods;
        if inner.is_null() || (*inner).iVersion < 3 {
            return false;
        }
        let mut methods = *inner;
        // The third version maps files into memory, which is not done with a log. Being of the second, a file that
        // gathers is also known by: it must not do so twice, since a method finds what it needs by its file.
        methods.iVersion = 2;
        methods.xClose = Some(close);
        methods.xRead = Some(read);
        methods.xWrite = Some(write);
        methods.xTruncate = Some(truncate);
        methods.xSync = Some(sync);
        methods.xFileSize = Some(file_size);
        let gathered = Gathered { methods, inner, pending: Vec::with_capacity(MOST), at: 0 };
        // Freed by `close`, without which SQLite does not give up a file.
        (*file).pMethods = Box::into_raw(Box::new(gathered)).cast();
    }
    true
}

/// # Safety
///
/// The file's methods are those of a [`Gathered`], and no other reference to it is alive.
unsafe fn gathered<'a>(file: *mut sqlite3_file) -> &'a mut Gathered {
    // SAFETY: `methods` stands first in it, and it was made by `Box::into_raw`.
    unsafe { &mut *(*file).pMethods.cast_mut().cast() }
}

/// Calls a method of the file's own, if all that is kept could be written.
macro_rules! after_pending {
    ($file:ident, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls a method with an open file of its own, on one thread at a time.
        unsafe {
            match write_pending($file) {
                SQLITE_OK => match (*gathered($file).inner).$method {
                    Some(method) => method($file $(, $argument)*),
                    None => SQLITE_IOERR,
                },
                failure => failure,
            }
        }
    }};
}

/// # Safety
///
/// As that of [`gathered`].
unsafe fn write_pending(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as promised. The file's own method uses what follows its methods, and not them.
    unsafe {
        let Gathered { inner, pending, at, .. } = gathered(file);
        if pending.is_empty() {
            return SQLITE_OK;
        }
        let code = pass_on(file, *inner, pending, *at);
        // After a failure too: the commit fails then, and what it wrote is not to come later.
        pending.clear();
        code
    }
}

/// # Safety
///
/// `inner` are the methods of the layer that opened the file.
unsafe fn pass_on(
    file: *mut sqlite3_file,
    inner: *const sqlite3_io_methods,
    bytes: &[u8],
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: as promised; the bytes are there for as long as the call takes.
    unsafe {
        match ((*inner).xWrite, c_int::try_from(bytes.len())) {
            (Some(write), Ok(length)) => write(file, bytes.as_ptr().cast(), length, at),
            _ => SQLITE_IOERR_WRITE,
        }
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    let Ok(length) = usize::try_from(length) else { return SQLITE_IOERR_WRITE };
    // SAFETY: SQLite gives as many bytes as it says, of an open file of its own.
    unsafe {
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), length);
        let this = gathered(file);
        let end = this.at.saturating_add_unsigned(this.pending.len() as u64);
        if at != end || this.pending.len() + length > MOST {
            match write_pending(file) {
                SQLITE_OK => {}
                failure => return failure,
            }
        }
        let this = gathered(file);
        if length > MOST {
            return pass_on(file, this.inner, bytes, at);
        }
        if this.pending.is_empty() {
            this.at = at;
        }
        this.pending.extend_from_slice(bytes);
        SQLITE_OK
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    after_pending!(file, xRead, into, length, at)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    after_pending!(file, xTruncate, size)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    after_pending!(file, xSync, flags)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    after_pending!(file, xFileSize, size)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file of its own once. The methods are the file's own again before they are
    // called, and what replaced them is used no more.
    unsafe {
        let written = write_pending(file);
        let replaced: *mut Gathered = (*file).pMethods.cast_mut().cast();
        (*file).pMethods = (*replaced).inner;
        drop(Box::from_raw(replaced));
        let closed = (*(*file).pMethods).xClose.map_or(SQLITE_OK, |close| close(file));
        if written == SQLITE_OK { closed } else { written }
    }
}
