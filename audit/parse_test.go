package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestParseEventRoundTripsGoldenRecords reads the golden records back: written again they are the
// same bytes (U-80).
func TestParseEventRoundTripsGoldenRecords(t *testing.T) {
	b := check.Must(os.ReadFile("testdata/events.jsonl"))
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	for _, e := range []audit.Event{
		audit.LogStarted(), audit.LogStopped(), audit.LogRecovered(17), audit.LogNearlyFull(93), audit.LogFull(),
		audit.LogArchived("archive/a\"\xed\xa0\x80\n", 1, 9), audit.LogOverwritten(1, 9),
		audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: 3,
			Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: "D:a"}, {Bits: 2, Code: 1801, Entry: "D:\xff"}}}).WithHeader(
			audit.Header{Computer: "c\xff"}),
	} {
		lines = append(lines, e.AppendJSON(nil))
	}
	for _, line := range lines {
		e, err := audit.ParseEvent(line)
		check.RequireThat(t, err == nil, "%s: %v", line, err)
		got := e.AppendJSON(nil)
		check.That(t, bytes.Equal(got, line), "got  %s\nwant %s", got, line)
		for cut := range line {
			check.RequireThat(t, check.Err(audit.ParseEvent(line[:cut])) != nil,
				"ParseEvent(%s): no error, want one", line[:cut])
		}
	}
}

func TestParseTimeRejectsMalformedText(t *testing.T) {
	for _, v := range []int64{0, 1, 10_000_000, 116_444_736_000_000_000, 133_536_960_001_234_567,
		132_223_104_000_000_000, 2_650_467_743_999_999_999} {
		text := string(audit.AppendTime(nil, v))
		got, err := audit.ParseTime(text)
		check.That(t, err == nil && got == v, "%s: %d, %v, want %d", text, got, err, v)
	}
	const good = "2024-03-01T12:00:00.1234567Z"
	for i := range good { // each byte is a digit or its separator
		for _, c := range "-:T.Z 0/" {
			text := good[:i] + string(c) + good[i+1:]
			digit := good[i] >= '0' && good[i] <= '9'
			if _, err := audit.ParseTime(text); err == nil && text != good && !(digit && c == '0') {
				t.Errorf("ParseTime(%q): no error, want one", text)
			}
		}
	}
	for _, text := range []string{"12024-03-01T12:00:00Z", "12024-03-01T12:00:00.1Z"} {
		if _, err := audit.ParseTime(text); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"", "Z", "112024-03-01T12:00:00Z",
		"002024-03-01T12:00:00Z", "024-03-01T12:00:00Z", "2024-03-01",
		"2024-03-01T12:00:00", "2024-13-01T12:00:00Z",
		"2023-02-29T12:00:00Z", "2024-04-31T12:00:00Z", "65000-01-01T12:00:00Z",
		"2024-03-01T12:00:00.12345678Z", "1600-01-01T00:00:00Z",
		"2024-03-01t12:00:00Z", "2024-03-01T12:00:00z"} {
		check.That(t, check.Err(audit.ParseTime(text)) != nil, "ParseTime(%q): no error, want one", text)
	}
}

// TestLongRecordListsTruncatedFields checks that a record that is too long keeps its field names and lists the
// truncated ones (U-68).
func TestLongRecordListsTruncatedFields(t *testing.T) {
	e := audit.LogArchived(strings.Repeat("é\x01", 10_000), 1, 9)
	short := e.Shorten(4000)
	if n := len(short.AppendJSON(nil)); n > 4000 {
		t.Errorf("%d bytes, want at most 4000", n)
	}
	if text, _ := short.Field("Truncated"); text != "BackupPath" {
		t.Errorf(`Truncated is %q, want "BackupPath"`, text)
	}
	// Each truncated field is listed once, in any order and however often it was truncated.
	for _, size := range []int{6_000, 60_000} {
		e = audit.AccountsChanged(audit.Origin{}, sid.Users, strings.Repeat("c", size+2), strings.Repeat("a", size),
			strings.Repeat("b", size+1))
		short = e.Shorten(4000)
		text, _ := short.Field("Truncated")
		names := strings.Split(text, ",")
		slices.Sort(names)
		check.SlicesEqual(t, names, []string{"Change", "Detail", "Target"}, "three fields of %d bytes: Truncated", size)
		n := len(short.AppendJSON(nil))
		check.That(t, n <= 4000, "three fields of %d: %d bytes, want at most 4000", size, n)
	}
	// Of two fields of one length the first is truncated.
	text := strings.Repeat("x", 6_000)
	got, _ := audit.AccountsChanged(audit.Origin{}, sid.Users, "c", text, text).Shorten(10_000).Field("Truncated")
	check.Equal(t, got, "Target", "two fields of one length: Truncated")
	// A long record without a long field is shortened by omitting the rights.
	many := audit.ObjectAccessed(audit.Origin{}, audit.Object{Type: "File", Name: "f"}, 0x1F01FF, nil)
	check.RequireThat(t, strings.Contains(string(many.AppendJSON(nil)), `"access":[{`),
		"the record has no list of rights")
	const limit = 700 // less than the rights need
	short = many.Shorten(limit)
	if text := string(short.AppendJSON(nil)); len(text) > limit || strings.Contains(text, `"access":[{`) {
		t.Errorf("limit %d: %s, want at most %d bytes and no list of rights", limit, text, limit)
	}
	// Rights go before a text of 50 bytes is truncated, and shorter texts are truncated if nothing else is left.
	named := audit.ObjectAccessed(audit.Origin{}, audit.Object{Type: "File", Name: strings.Repeat("n", 50)}, 0x1F01FF, nil)
	for limit := len(named.AppendJSON(nil)); limit > 500; limit -= 20 {
		short := named.Shorten(limit)
		text, _ := short.Field("ObjectName")
		check.That(t, len(text) == 50 || !strings.Contains(string(short.AppendJSON(nil)), `"access":[{`),
			"limit %d: the name has %d of 50 bytes, but the record has its rights", limit, len(text))
	}
	least := len(short.AppendJSON(nil)) - 20
	check.That(t, len(short.Shorten(least).AppendJSON(nil)) <= least, "a record of short texts was not shortened")
	// A record with exactly the limit does not change, nor does the receiver.
	whole := string(many.AppendJSON(nil))
	check.Equal(t, string(many.Shorten(len(whole)).AppendJSON(nil)), whole, "a record of the limit")
	many.Shorten(least)
	check.Equal(t, string(many.AppendJSON(nil)), whole, "the receiver after Shorten")
	// No character is cut apart, however many bytes it has and wherever the cut falls.
	for _, character := range []string{"a", "é", "€", "\U0001F600"} {
		for shift := range 4 {
			e = audit.LogArchived(strings.Repeat("x", shift)+strings.Repeat(character, 4000), 1, 9)
			short = e.Shorten(3000)
			if text, _ := short.Field("BackupPath"); !utf8.ValidString(text) || len(text) < 500 {
				t.Errorf("%q after %d bytes: %d bytes that end in %q", character, shift, len(text), text[max(0, len(text)-8):])
			}
		}
	}
	check.That(t, bytes.Equal(audit.LogFull().Shorten(4000).AppendJSON(nil), audit.LogFull().AppendJSON(nil)),
		"Shorten changed a record that is short already")
}

// TestLogServiceEventsHaveTheirTasks checks that events of the log service have the tasks of their manifest.
func TestLogServiceEventsHaveTheirTasks(t *testing.T) {
	for id, want := range map[uint16]uint16{1100: 103, 1102: 104, 1103: 101, 1104: 101, 1105: 105, 1108: 101} {
		e := audit.LogFull().WithHeader(audit.Header{ID: id})
		check.Equal(t, e.Task(), want, "event %d has task", id)
	}
}

// A text with any character survives writing and parsing, and an escape that the writer does not use is refused
// (U-80).
func TestEveryCharacterSurvivesEncoding(t *testing.T) {
	var all strings.Builder
	for c := range rune(0x100) {
		all.WriteRune(c)
	}
	for _, text := range []string{all.String(), "\r", "\n", "\t", "\x1f", "\x1f\x00", "\\u0041", `"`, "\u2028\U0001F600",
		"\xff\xfe", "\uFFFD"} {
		line := audit.LogArchived(text, 1, 9).AppendJSON(nil)
		e, err := audit.ParseEvent(line)
		check.That(t, err == nil && bytes.Equal(e.AppendJSON(nil), line) && field(t, e, "BackupPath") == text,
			"%q: %v, want the same text and line: %s", text, err, line)
	}
	line := string(audit.LogArchived("AB", 1, 9).AppendJSON(nil))
	for _, escape := range []string{`\u0020`, `\u0041`, `\u1000`, `\u00`, `\u001`, `\x`, `\`, `\u00zz`, `\/`, `\b`} {
		check.That(t, check.Err(audit.ParseEvent([]byte(strings.Replace(line, "AB", escape, 1)))) != nil,
			"ParseEvent with escape %s: no error, want one", escape)
	}
}

// TestTimePartsAreBounded checks that the maximum of each part of a time is accepted, and one more is not.
func TestTimePartsAreBounded(t *testing.T) {
	const form = "2024-%02d-%02dT%02d:%02d:%02dZ"
	for _, c := range []struct {
		parts [5]any
		ok    bool
	}{
		{[5]any{1, 1, 0, 0, 0}, true}, {[5]any{12, 31, 23, 59, 59}, true}, {[5]any{0, 1, 0, 0, 0}, false},
		{[5]any{13, 1, 0, 0, 0}, false}, {[5]any{1, 0, 0, 0, 0}, false}, {[5]any{1, 32, 0, 0, 0}, false},
		{[5]any{1, 1, 24, 0, 0}, false}, {[5]any{1, 1, 0, 60, 0}, false}, {[5]any{1, 1, 0, 0, 60}, false},
	} {
		text := fmt.Sprintf(form, c.parts[:]...)
		_, err := audit.ParseTime(text)
		check.That(t, (err == nil) == c.ok, "ParseTime(%s): %v, want success: %t", text, err, c.ok)
	}
}

// Text that the writer never produces is refused at any position.
func TestMalformedLinesAreRefused(t *testing.T) {
	line := string(audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: 1,
		Reasons: []audit.Reason{{Bits: 1, Code: 1801}}}).AppendJSON(nil))
	check.NoError(t, check.Err(audit.ParseEvent([]byte(line))))
	_, reasons, _ := strings.Cut(line, `"access":[`)
	reasons, _, _ = strings.Cut(reasons, `],"chain"`)
	for _, c := range [][2]string{
		{reasons, reasons + reasons}, {`"computer":""`, `"computer":"a","computer_raw":"61"`},
		{`"subcategory":"File System"`, `"subcategory":"Nonsense"`}, {`"outcome":"success"`, `"outcome":"Success"`},
		{`"version":1`, `"version":256`}, {`"event":4656`, `"event":65536`}, {`"event":4656`, `"event":-1`},
		{`{"id":0`, `{"id":18446744073709551616`}, {`{"id":0`, `{"id":`}, {`["%%4416"]`, `[]`},
		{`["%%4416"]`, `[],"AccessList_raw":["ff"]`}, {`["%%4416"]`, "[\"\uFFFD\"]" + `,"AccessList_raw":[]`},
		{`["%%4416"]`, "[\"\uFFFD\"]" + `,"AccessList_raw":["ff","61"]`},
		{`["%%4416"]`, `["%%4416",]`}, {`["%%4416"]`, `["%%4416""%%4417"]`}, {`"bit":"0x1"`, `"bit":"0x100000000"`},
		{`"bit":"0x1"`, `"bit":"one"`}, {`"code":"%%4416"`, `"code":"4416"`}, {`"code":"%%4416"`, `"code":"%%65536"`},
		{`"reason":"%%1801"`, `"reason":"1801"`}, {`"chain":""`, `"chain":"0"`}, {`"chain":""`, `"chain":"zz"`},
		{`"ace":""}`, `"ace":"",}`}, {`"chain":""}`, `"chain":""}}`}, {`"chain":""}`, `"chain":""} `},
		{`"text":"ReadData"`, `"text":"\u0110"`},
		{`"text":"ReadData"`, `"text":"Read`}, {`"access":[{`, `"access":[{"bit":"0x1"},{`},
		{`"SubjectUserSid":`, `"SubjectUserSid" :`}, {`"time":"1601-01-01T00:00:00Z"`, `"time":"1601-01-01T00:00:00"`},
	} {
		wrong := strings.Replace(line, c[0], c[1], 1)
		check.RequireThat(t, wrong != line, "%s has no %s", line, c[0])
		e, err := audit.ParseEvent([]byte(wrong))
		check.That(t, err != nil && e.ID == 0, "%s for %s: ParseEvent = %v, want an error and the zero event", c[1], c[0], e)
	}
	wrong := strings.Replace(line, `"outcome":"success"`, `"outcome":"Success"`, 1)
	_, err := audit.ParseEvent([]byte(wrong))
	check.That(t, strings.HasSuffix(fmt.Sprint(err), `: unknown outcome "Success"`),
		"ParseEvent(%s): %v, want the first error", wrong, err)
	for _, good := range [][2]string{{`{"id":0`, `{"id":18446744073709551615`}, {`"event":4656`, `"event":65535`},
		{`"version":1`, `"version":255`}, {`"bit":"0x1"`, `"bit":"0x80000000"`}, {`"reason":"%%1801"`, `"reason":""`},
		{`"reason":"%%1801"`, `"reason":"%%65535"`}, {`"chain":""`, `"chain":"00ff"`},
		{`["%%4416"]`, "[\"\uFFFD\"]" + `,"AccessList_raw":["ff"]`}, // not valid UTF-8
		{`["%%4416"]`, `["%%4416"],"AccessList_raw":["ff"]`}} {      // valid, so the other member is a field of its own
		text := strings.Replace(line, good[0], good[1], 1)
		if e, err := audit.ParseEvent([]byte(text)); err != nil || string(e.AppendJSON(nil)) != text {
			t.Errorf("ParseEvent(%s): %v, written as %s, want the same", text, err, e.AppendJSON(nil))
		}
	}
}
