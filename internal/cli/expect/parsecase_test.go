package expect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// A descriptor is SDDL or bytes with a type. A case expands to every combination of "who" and "on", with its call,
// SID and rights.
func TestCaseExpandsToEveryCombination(t *testing.T) {
	d, err := sddl.Parse("O:BAG:SYD:(A;;KR;;;BU)(A;;0x20000;;;PS)", sddl.Options{})
	check.NoError(t, err)
	text := fmt.Sprintf(`domain: S-1-5-21-1-2-3
principals:
  a: {user: S-1-5-21-1-2-3-1107, groups: [BU]}
  b: {user: S-1-5-21-1-2-3-1108}
  i: {user: S-1-5-21-1-2-3-1107, groups: [BU], type: Impersonation, impersonationLevel: Identification}
descriptors:
  bytes: {hex: "%x", type: key}
  text: {sddl: 'O:BAG:SYD:(A;;FR;;;BU)', type: file}
  plain: O:BAG:SYD:(A;;FR;;;DU)
expect:
  - {who: a, on: bytes, want: KR, is: granted}
  - {who: a, on: bytes, want: FR, is: denied}
  - {who: b, on: bytes, want: KR, is: denied}
  - {who: b, on: bytes, want: RC, is: granted, self: S-1-5-21-1-2-3-1108}
  - {who: b, on: bytes, want: RC, is: denied, self: S-1-5-21-1-2-3-1109}
  - {who: [a, b], on: [text, plain], want: FR, is: denied}
  - {who: i, on: text, want: FR, is: granted, call: NtAccessCheck}
  - {who: i, on: text, want: FR, is: denied}
  - {who: a, on: text, want: FR, is: granted, why: [AceAllow, DACL 0]}
  - {who: a, on: text, want: FR, is: granted, why: [AceAllow, DACL 7], name: wrong}
`, d.Binary())
	f, err := Parse([]byte(text), Outside{Open: noFiles})
	check.NoError(t, err)
	r := f.Run(time.Now)
	var got []string
	for _, c := range r.Cases {
		got = append(got, fmt.Sprintf("%s %s %s %t %t", c.Who, c.On, c.Want, c.Granted, c.Problem == ""))
	}
	want := []string{"a bytes KR true true", "a bytes FR false true", "b bytes KR false true", "b bytes RC true true",
		"b bytes RC false true", "a text FR true false", "b text FR false true", "a plain FR false true",
		"b plain FR false true", "i text FR true true", "i text FR false true", "a text FR true true", "a text FR true false"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || r.Failed != 2 {
		t.Errorf("%d failed\n%s\nwant\n%s", r.Failed, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if last := r.Cases[len(r.Cases)-1]; last.Name != "wrong" || !strings.Contains(last.Problem, "DACL 7") {
		t.Errorf(`last case = %+v, want "wrong" with a problem about DACL 7`, last)
	}
	for text, line := range map[string]int{"principals:\n  a: {user: BA}\nbogus: 1\n": 3, "domain: x\n": 1,
		"\n\ndomain:\n  - x\n": 4, "principals: {}\n": 0} {
		var e *Error
		if _, err := Parse([]byte(text), Outside{Open: noFiles}); !errors.As(err, &e) || e.Line != line ||
			strings.Contains(e.Problem, "line") {
			t.Errorf("%q: %+v, want line %d", text, err, line)
		}
	}
	for _, wrong := range []string{"call: x", "self: x", "is: maybe", "want: x y", "who: z", "on: z"} {
		key, _, _ := strings.Cut(wrong, ":")
		row := map[string]string{"who": "who: a", "on": "on: text", "want": "want: FR", "is": "is: granted"}
		row[key] = wrong
		var parts []string
		for _, p := range row {
			parts = append(parts, p)
		}
		bad := text[:strings.Index(text, "expect:")] + "expect:\n  - {" + strings.Join(parts, ", ") + "}\n"
		if _, err := Parse([]byte(bad), Outside{Open: noFiles}); err == nil || !strings.Contains(err.Error(), "line 11") {
			t.Errorf("expectation with %s: %v, want an error at line 11", wrong, err)
		}
	}
}
