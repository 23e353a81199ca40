//! Overwriting what deleted rows leave behind in SQLite files.
//!
//! `secure_delete` overwrites a cell where it is deleted. But when a page is rebuilt, as rows move
//! between neighbours, the old bytes of moved rows stay in the gap between the page's index of
//! cells and its first cell, and are not overwritten when the row goes later. The gap belongs to
//! nobody by the file format (sqlite.org/fileformat2.html, section 1.6): it is set to zero here,
//! page by page, through SQLite's own pager (`sqlite_dbpage`), so that every other connection and
//! a crash find a whole file.

use crate::conn::{Inner, Tx};
use crate::db::Db;
use crate::error::{Result, StoreError};

/// How many pages are looked at with one query.
const LOOK: i64 = 1_024;
/// How many pages one transaction overwrites at most: half a megabyte.
const CLEAN: usize = 128;
/// From this many pages on (128 GiB), the first byte of a page that holds no cells could pass for
/// that of one that does.
const MOST_PAGES: i64 = 0x0200_0000;

const COUNT: &str = "select page_count from pragma_page_count()";
const PAGES: &str = "select pgno, data from sqlite_dbpage where pgno between $1 and $2";
const PAGE: &str = "select data from sqlite_dbpage where pgno = $1";
const WRITE: &str = "update sqlite_dbpage set data = $2 where pgno = $1";
const ENABLED: &str =
    "select count(*) from pragma_compile_options where compile_options = 'ENABLE_DBPAGE_VTAB'";

impl Db {
    /// Overwrites what deleted rows left in pages, and gives how many pages had something. It reads
    /// the whole file without holding up writers, and writes only the pages that need it, a few
    /// at a time. PostgreSQL has no such step: there the key is what goes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn scrub(&self) -> Result<usize> {
        let Some(reads) = self.lite_reads() else { return Ok(0) };
        let failed = |e| StoreError::from_sqlx("scrub", e);
        let mut reader = reads.lease().await?;
        let (count,): (i64,) =
            sqlx::query_as(COUNT).fetch_one(reader.use_it()?).await.map_err(failed)?;
        if count >= MOST_PAGES {
            return Err(StoreError::Damaged("a SQLite file too large to be cleaned"));
        }
        let mut cleaned = 0;
        for from in (1..=count).step_by(usize::try_from(LOOK).unwrap_or(1)) {
            let pages: Vec<(i64, Vec<u8>)> = sqlx::query_as(PAGES)
                .bind(from)
                .bind(from + LOOK - 1)
                .fetch_all(reader.use_it()?)
                .await
                .map_err(failed)?;
            let dirty: Vec<i64> = pages
                .iter()
                .filter(|(n, page)| dirty_gap(*n, page).is_some())
                .map(|p| p.0)
                .collect();
            for some in dirty.chunks(CLEAN) {
                let some = some.to_vec();
                let written = self.write("scrub", move |tx| {
                    let some = some.clone();
                    Box::pin(async move { clean(tx, &some).await })
                });
                cleaned += written.await?;
            }
        }
        Ok(cleaned)
    }

    /// Refuses a SQLite that was compiled without what [`Db::scrub`] needs.
    pub(crate) async fn require_scrub(&self) -> Result<()> {
        let Some(reads) = self.lite_reads() else { return Ok(()) };
        let (enabled,): (i64,) = sqlx::query_as(ENABLED)
            .fetch_one(reads.lease().await?.use_it()?)
            .await
            .map_err(|e| StoreError::from_sqlx("compile options", e))?;
        if enabled == 0 {
            return Err(StoreError::Open(
                "this binary's SQLite cannot clean its files: build it with \
                 LIBSQLITE3_FLAGS=-DSQLITE_ENABLE_DBPAGE_VTAB, as .cargo/config.toml does"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Cleans these pages as they are now: they may have changed since they were looked at.
async fn clean(tx: &mut Tx, pages: &[i64]) -> Result<usize> {
    let Inner::LiteWriter(conn) = &mut tx.0.inner else { return Ok(0) };
    let failed = |e| StoreError::from_sqlx("scrub", e);
    let mut cleaned = 0;
    for number in pages {
        let (mut page,): (Vec<u8>,) =
            sqlx::query_as(PAGE).bind(number).fetch_one(&mut *conn).await.map_err(failed)?;
        let Some(gap) = dirty_gap(*number, &page) else { continue };
        page[gap].fill(0);
        sqlx::query(WRITE).bind(number).bind(page).execute(&mut *conn).await.map_err(failed)?;
        cleaned += 1;
    }
    Ok(cleaned)
}

/// The bytes of a page that belong to nobody, when one of them is not zero; none for pages that
/// hold no cells (overflow and free pages begin with a page number, far below these types).
fn dirty_gap(number: i64, page: &[u8]) -> Option<std::ops::Range<usize>> {
    let header = if number == 1 { 100 } else { 0 };
    let header_bytes = match page.get(header)? {
        0x02 | 0x05 => 12,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let two =
        |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let start = header + header_bytes + 2 * two(header + 3)?;
    let end = match two(header + 5)? {
        0 => 65_536,
        end => end,
    };
    let gap = start..end;
    page.get(gap.clone())?.iter().any(|byte| *byte != 0).then_some(gap)
}

#[cfg(test)]
mod tests {
    use super::dirty_gap;

    #[test]
    fn only_the_gap_of_pages_with_cells_is_found() {
        let mut page = vec![0u8; 512];
        page[0] = 0x0d;
        page[4] = 2;
        page[5..7].copy_from_slice(&500u16.to_be_bytes());
        assert_eq!(dirty_gap(2, &page), None);
        page[11] = 9;
        page[500] = 7;
        assert_eq!(dirty_gap(2, &page), None, "the cell index and the cells are in use");
        page[12] = 1;
        assert_eq!(dirty_gap(2, &page), Some(12..500));
        page[0] = 0;
        assert_eq!(dirty_gap(2, &page), None, "an overflow page is all content");
        assert_eq!(dirty_gap(2, &[]), None);
    }
}
