//! Pages of a list: rows in the order of a key, the next page beginning after the last row's key.

use std::fmt::Write;

use store::{Record, Row, StoreError, Tx, Value};
use wire::{Cursor, PageRequest, Position};

/// One page, and where its neighbours begin.
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// What the next page comes after; none at the end.
    pub next: Option<Cursor>,
    /// What the previous page comes before; none at the start.
    pub previous: Option<Cursor>,
}

/// The columns that order a list: a date, a position or an index, and the sid where that is not unique.
pub struct Order {
    pub at: &'static str,
    pub sid: Option<&'static str>,
    pub descending: bool,
}

impl Order {
    /// Oldest first.
    pub const fn ascending(at: &'static str, sid: Option<&'static str>) -> Self {
        Self { at, sid, descending: false }
    }

    /// Newest first.
    pub const fn descending(at: &'static str, sid: Option<&'static str>) -> Self {
        Self { at, sid, descending: true }
    }
}

/// The order of most lists: oldest first.
pub const BY_CREATION: Order = Order::ascending("date_created", Some("sid"));

/// Reads one page of records that meet `condition`, a WHERE.
pub fn list<R: Record>(
    tx: &mut Tx<'_>,
    (condition, params): (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    cursor: impl Fn(&R) -> Cursor,
) -> Result<Page<R>, StoreError> {
    let select = format!("SELECT {} FROM {} {condition}", R::COLUMNS, R::TABLE);
    page(tx, (&select, params), order, request, (R::read, cursor))
}

/// Reads one page. `select` is a query up to and with its WHERE, `params` what it binds; `cursor`
/// tells the key of a row.
pub fn page<T>(
    tx: &mut Tx<'_>,
    select: (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    (read, cursor): (impl FnMut(&mut Row<'_>) -> Result<T, StoreError>, impl Fn(&T) -> Cursor),
) -> Result<Page<T>, StoreError> {
    Ok(cut(rows(tx, select, order, request, read)?, request, (order.descending, cursor)))
}

/// Reads the rows of one page and one more, in the direction of the request.
pub fn rows<T>(
    tx: &mut Tx<'_>,
    (select, params): (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let limit = i64::try_from(request.size + 1).expect("a page has at most some hundred rows");
    let (from, backwards) = match &request.position {
        Position::Start => (None, false),
        Position::After(cursor) => (Some(cursor), false),
        Position::Before(cursor) => (Some(cursor), true),
    };
    let mut sql = select.to_owned();
    let mut bound = params.to_vec();
    seek(&mut sql, &mut bound, order, from, backwards);
    bound.push(&limit);
    let _ = write!(sql, " LIMIT ${}", bound.len());
    tx.rows(&sql, &bound, read)
}

/// Appends the comparison with `from` and the ORDER BY.
fn seek<'a>(
    sql: &mut String,
    bound: &mut Vec<&'a dyn Value>,
    order: &Order,
    from: Option<&'a Cursor>,
    backwards: bool,
) {
    let (compare, direction) = if order.descending == backwards { (">", "ASC") } else { ("<", "DESC") };
    let Order { at, sid, .. } = order;
    if let Some(from) = from {
        bound.push(&from.at);
        let first = bound.len();
        let _ = match sid {
            Some(sid) => {
                bound.push(&from.sid);
                write!(sql, " AND ({at}, {sid}) {compare} (${first}, ${})", first + 1)
            }
            None => write!(sql, " AND {at} {compare} ${first}"),
        };
    }
    let _ = match sid {
        Some(sid) => write!(sql, " ORDER BY {at} {direction}, {sid} {direction}"),
        None => write!(sql, " ORDER BY {at} {direction}"),
    };
}

/// Reads one page of a list that is ordered by a sid, and within it by `at` where a sid may come twice.
/// `select` is a query that says `{page}` behind the WHERE which finds the list: that of a subquery where
/// more is joined to its rows, so that only those of the page are joined.
pub fn page_by_sid<T>(
    tx: &mut Tx<'_>,
    (select, params): (&str, &[&dyn Value]),
    (sid, at): (&str, Option<&str>),
    request: &PageRequest,
    (read, cursor): (impl FnMut(&mut Row<'_>) -> Result<T, StoreError>, impl Fn(&T) -> Cursor),
) -> Result<Page<T>, StoreError> {
    let limit = i64::try_from(request.size + 1).expect("a page has at most some hundred rows");
    let (from, backwards) = match &request.position {
        Position::Start => (None, false),
        Position::After(cursor) => (Some(cursor), false),
        Position::Before(cursor) => (Some(cursor), true),
    };
    let (compare, direction) = if backwards { ("<", "DESC") } else { (">", "ASC") };
    let mut page = String::new();
    let mut bound = params.to_vec();
    if let Some(from) = from {
        bound.push(&from.sid);
        let first = bound.len();
        let _ = match at {
            Some(at) => {
                bound.push(&from.at);
                write!(page, " AND ({sid}, {at}) {compare} (${first}, ${})", first + 1)
            }
            None => write!(page, " AND {sid} {compare} ${first}"),
        };
    }
    let _ = write!(page, " ORDER BY {sid} {direction}");
    if let Some(at) = at {
        let _ = write!(page, ", {at} {direction}");
    }
    bound.push(&limit);
    let _ = write!(page, " LIMIT ${}", bound.len());
    let mut found = tx.rows(&select.replace("{page}", &page), &bound, read)?;
    // What was joined to the page may have come in any order.
    found.sort_by_key(|row| {
        let Cursor { at, sid } = cursor(row);
        (sid, at)
    });
    if backwards {
        found.reverse();
    }
    Ok(cut(found, request, (false, cursor)))
}

/// Makes a page of rows that were read one further than the page is long.
pub fn cut<T>(
    mut rows: Vec<T>,
    request: &PageRequest,
    (descending, cursor): (bool, impl Fn(&T) -> Cursor),
) -> Page<T> {
    let more = rows.len() > request.size;
    rows.truncate(request.size);
    let backwards = matches!(request.position, Position::Before(_));
    if backwards {
        rows.reverse();
    }
    // A page that was emptied since has no rows to tell the way: its neighbour is the end of the list.
    let (begin, end) = if descending { (HIGHEST, LOWEST) } else { (LOWEST, HIGHEST) };
    let first = rows.first().map(&cursor);
    let last = rows.last().map(&cursor);
    match request.position {
        Position::Start => Page { items: rows, next: last.filter(|_| more), previous: None },
        Position::After(_) => {
            Page { items: rows, next: last.filter(|_| more), previous: first.or(Some(end)) }
        }
        Position::Before(_) => {
            Page { items: rows, next: last.or(Some(begin)), previous: first.filter(|_| more) }
        }
    }
}

const LOWEST: Cursor = Cursor { at: i64::MIN, sid: [0; 16] };
const HIGHEST: Cursor = Cursor { at: i64::MAX, sid: [0xFF; 16] };
