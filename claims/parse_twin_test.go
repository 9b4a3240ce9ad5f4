package claims

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sid"
)

// tail is the condition or attribute of an entry in the text of a descriptor.
type tail struct {
	text     string // from its '(' to the end of the text
	resource bool
}

// textTails finds the entries with a condition or attribute. Parentheses and semicolons in quotes do not count.
func textTails(sddl string) []tail {
	var tails []tail
	depth, fields, kind, start, quoted := 0, 0, "", 0, false
	for i := 0; i < len(sddl); i++ {
		switch c := sddl[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			if depth++; depth == 1 {
				start, fields, kind = i, 0, ""
			}
		case c == ')':
			depth--
		case c == ';' && depth == 1:
			if fields++; fields == 1 {
				kind = strings.ToUpper(strings.TrimSpace(sddl[start+1 : i]))
			}
			if fields == 6 {
				tails = append(tails, tail{sddl[i+1:], kind == "RA"})
			}
		}
	}
	return tails
}

// binaryTails finds the application data of the same entries in a self-relative descriptor, the DACL first.
func binaryTails(b []byte) (conditions, attributes [][]byte) {
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	for _, field := range []int{16, 12} { // offsets of DACL and SACL
		off := int(u32(b[field:]))
		if off == 0 {
			continue
		}
		count := int(u16(b[off+4:]))
		for off += 8; count > 0; count-- {
			ace := b[off:][:u16(b[off+2:])]
			off += len(ace)
			switch ace[0] {
			case 0x09, 0x0A, 0x0D, 0x12, 0x15:
				at := 8 + 8 + 4*int(ace[9])
				if ace[0] == 0x12 {
					attributes = append(attributes, ace[at:])
				} else {
					conditions = append(conditions, ace[at:])
				}
			}
		}
	}
	return conditions, attributes
}

// ParseExpr and ParseAttribute compile texts to the bytes that Windows recorded, and Format prints them as Windows
// did (S-30, S-34, S-46, S-48, S-52, S-53, C-80).
func TestBytesMatchWindowsRecordings(t *testing.T) {
	type row struct{ Src, SDDL, Domain, Hex string }
	n := 0
	for _, r := range recordings.Rows[row](t, "sddl_to_bytes_windows.jsonl") {
		tails := textTails(r.SDDL)
		if len(tails) == 0 {
			continue
		}
		n++
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := check.Must(hex.DecodeString(r.Hex))
			conditions, attributes := binaryTails(b)
			domain, _ := sid.Parse(r.Domain) // of the aliases in the recorded texts
			opt := ParseOptions{SID: func(text string) (sid.SID, int, error) { return sid.Scan(text, domain) }}
			alias := func(s sid.SID) string { return sid.Alias(s, domain) }
			for _, tail := range tails {
				text, printed := "", ""
				if tail.resource {
					text, printed = checkAttributeRow(t, tail.text, opt, alias, attributes[0])
					attributes = attributes[1:]
				} else {
					text, printed = checkConditionRow(t, tail.text, opt, alias, conditions[0])
					conditions = conditions[1:]
				}
				// Windows printed the texts of this file.
				check.That(t, !strings.Contains(r.Src, "short-conditional") || printed == text,
					"Format\n got %s\nwant %s", printed, text)
			}
			check.That(t, len(conditions)+len(attributes) == 0,
				"%d entries in the bytes have no text", len(conditions)+len(attributes))
		})
	}
	t.Logf("%d rows", n)
}

// checkConditionRow compiles the condition at the start of text and compares its bytes. It returns the condition and
// the text that Format prints.
func checkConditionRow(t *testing.T, text string, opt ParseOptions, alias func(sid.SID) string, want []byte) (source,
	printed string) {
	t.Helper()
	e, n, err := ParseExpr(text, opt)
	check.RequireThat(t, err == nil, "ParseExpr(%s): %v", text, err)
	check.That(t, strings.HasPrefix(text[n:], ")"), "after the condition is %q, want a closing parenthesis", text[n:])
	got := e.Encode()
	check.That(t, string(got) == string(want), "bytes of %s\n got %x\nwant %x", text[:n], got, want)
	d := check.Must(Decode(want))
	checkRoundTrip(t, d, opt, alias)
	return text[:n], d.Format(alias)
}

// checkAttributeRow is checkConditionRow for an attribute.
func checkAttributeRow(t *testing.T, text string, opt ParseOptions, alias func(sid.SID) string, want []byte) (source,
	printed string) {
	t.Helper()
	a, n, err := ParseAttribute(text, opt)
	check.RequireThat(t, err == nil, "ParseAttribute(%s): %v", text, err)
	got := a.Append(nil)
	check.That(t, string(got) == string(want), "bytes of %s\n got %x\nwant %x", text[:n], got, want)
	d := check.Must(DecodeAttribute(want))
	return text[:n], d.Format(alias)
}

// checkRoundTrip checks that the text of an expression parses to the same bytes and text (S-46).
func checkRoundTrip(t *testing.T, e *Expr, opt ParseOptions, alias func(sid.SID) string) {
	t.Helper()
	text := e.Format(alias)
	again, n, err := ParseExpr(text, opt)
	check.RequireThat(t, err == nil && n == len(text),
		"ParseExpr(%s), the output of Format, used %d bytes, %v; want %d, nil", text, n, err, len(text))
	if string(again.Encode()) != string(e.Encode()) {
		t.Errorf("bytes of %s\n got %x\nwant %x", text, again.Encode(), e.Encode())
	}
	check.Equal(t, again.Format(alias), text, "second Format")
}

// ParseExpr and ParseAttribute reject the conditions and attributes of recorded texts that Windows rejected. Format
// prints the others as Windows did (S-47 to S-53, C-38, C-39, C-43, C-45, C-47).
func TestTextsMatchWindowsRecordings(t *testing.T) {
	type row struct {
		SDDL, Windows string
		Canonical     *string
	}
	n := 0
	for _, r := range recordings.Rows[row](t, "sddl_roundtrip.jsonl") {
		tails := textTails(r.SDDL)
		if len(tails) == 0 {
			continue
		}
		n++
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var want []tail
			if r.Canonical != nil {
				want = textTails(*r.Canonical)
			}
			for i, tail := range tails {
				var got string
				var err error
				if tail.resource {
					var a Attribute
					a, _, err = ParseAttribute(tail.text, ParseOptions{})
					got = a.Format(aliasOf)
				} else {
					var e *Expr
					if e, _, err = ParseExpr(tail.text, ParseOptions{}); err == nil {
						got = e.Format(aliasOf)
					}
				}
				if r.Windows == "fail" {
					check.That(t, err != nil, "%s: no error, but Windows rejected it", r.SDDL)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v, but Windows accepted it", r.SDDL, err)
					continue
				}
				check.That(t, strings.HasPrefix(want[i].text, got+")"),
					"Format of the conditions of %s\n got %s\nwant %s", r.SDDL, got, want[i].text)
			}
		})
	}
	t.Logf("%d rows", n)
}

func aliasOf(s sid.SID) string { return sid.Alias(s, sid.SID{}) }

// ParseExpr accepts and rejects single conditions as recorded (S-36, S-47, S-49, S-51, S-52).
func TestParseExprMatchesRecordings(t *testing.T) {
	type row struct{ Expr, Expect string }
	rows := recordings.Rows[row](t, "cond_ace_expr_c.jsonl")
	for i, r := range rows {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			e, n, err := ParseExpr(r.Expr, ParseOptions{})
			ok := err == nil && n == len(r.Expr)
			check.That(t, ok == (r.Expect == "ok"), "ParseExpr(%s) used %d bytes, %v; recorded: %s", r.Expr, n, err, r.Expect)
			if ok {
				checkRoundTrip(t, e, ParseOptions{}, aliasOf)
			}
		})
	}
}
