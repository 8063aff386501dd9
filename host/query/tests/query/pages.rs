//! Pages and cursors.

use mortise_query::page::PageStart;
use mortise_query::{
    Cursor, CursorError, MAX_CURSOR, PageError, PageRequest, PageResult, SortKey, ValueType,
};
use serde_json::json;

fn cursor() -> Cursor {
    Cursor { values: vec![json!("a")], id: json!(7) }
}

#[test]
fn a_page_has_25_documents_unless_the_caller_says_otherwise() {
    let page = PageRequest::parse(None, None, None).unwrap();
    assert_eq!((page.start(), page.size(), page.offset()), (&PageStart::Number(1), 25, 0));
    assert_eq!(page, PageRequest::default());
    let page = PageRequest::parse(Some("3"), Some("500"), None).unwrap();
    assert_eq!((page.start(), page.size(), page.offset()), (&PageStart::Number(3), 500, 1_000));
    let page = PageRequest::parse(None, Some("10"), Some(cursor())).unwrap();
    assert_eq!((page.start(), page.size(), page.offset()), (&PageStart::After(cursor()), 10, 0));
}

#[test]
fn a_page_out_of_range_is_refused_and_never_cut() {
    for page in ["0", "-1", "x", "", "1.0", "+1", " 1", "1000001", "99999999999999999999"] {
        assert_eq!(PageRequest::parse(Some(page), None, None), Err(PageError::Number), "{page}");
    }
    for size in ["0", "-1", "all", "", "501", "1000000"] {
        assert_eq!(PageRequest::parse(None, Some(size), None), Err(PageError::Size), "{size}");
    }
    assert_eq!(PageRequest::parse(Some("1"), None, Some(cursor())), Err(PageError::PageAndCursor));
    assert_eq!(PageError::Size.code(), "page.invalid_size");
    assert!(PageError::Size.to_string().contains("from 1 to 500"));
}

#[test]
fn the_result_is_the_paging_headers_json() {
    let page = PageRequest::parse(Some("2"), Some("10"), None).unwrap();
    assert_eq!(
        serde_json::to_value(PageResult::new(&page, 21, true)).unwrap(),
        json!({
            "totalCount": 21, "pageSize": 10, "currentPage": 2, "totalPages": 3,
            "hasPrevious": true, "hasNext": true,
        })
    );
    assert_eq!(
        serde_json::to_value(PageResult::new(&PageRequest::default(), 0, false)).unwrap(),
        json!({
            "totalCount": 0, "pageSize": 25, "currentPage": 1, "totalPages": 0,
            "hasPrevious": false, "hasNext": false,
        })
    );
    let after = PageRequest::after(cursor(), 25);
    let result = PageResult::new(&after, 30, false);
    assert_eq!((result.current_page, result.has_previous, result.has_next), (None, true, false));
}

#[test]
fn a_cursor_reads_back_and_anything_else_is_refused() {
    assert_eq!(Cursor::decode(&cursor().encode()), Ok(cursor()));
    for text in ["", "x", "====", "bnVsbA", "eyJrIjpbXX0", &"A".repeat(MAX_CURSOR + 1)] {
        assert_eq!(Cursor::decode(text), Err(CursorError::Malformed), "{text}");
    }
    let nested = Cursor { id: json!({"a": 1}), ..cursor() };
    assert_eq!(Cursor::decode(&nested.encode()), Err(CursorError::Malformed));
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let by_text = [SortKey::ascending("name", ValueType::Text)];
    let by_number = [SortKey::ascending("total", ValueType::Number)];
    assert!(cursor().position(&by_text).is_ok());
    assert_eq!(cursor().position(&by_number), Err(CursorError::OtherOrder));
    assert_eq!(cursor().position(&[]), Err(CursorError::OtherOrder));
}
