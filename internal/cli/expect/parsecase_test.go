package expect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// A descriptor is SDDL or bytes with a type. A case expands to every combination of "who" and "on", with its call,
// SID and rights.
func TestCaseExpandsToEveryCombination(t *testing.T) {
	r := run(t, Outside{Open: noFiles}, fmt.Sprintf(`domain: S-1-5-21-1-2-3
principals:
  a: {user: S-1-5-21-1-2-3-1107, groups: [BU]}
  b: {user: S-1-5-21-1-2-3-1108, groups: [DA]}
  i: {user: S-1-5-21-1-2-3-1107, groups: [BU], type: Impersonation, impersonationLevel: Identification}
descriptors:
  bytes: {hex: "%x", type: key}
  text: {sddl: 'O:BAG:SYD:(A;;FR;;;BU)', type: file}
  plain: O:BAG:SYD:(A;;FR;;;DU)
  skipped: O:BAG:SYD:(D;;FR;;;BG)(A;;FR;;;BU)
expect:
  - {who: a, on: bytes, want: KR, is: granted}
  - {who: a, on: bytes, want: FR, is: denied}
  - {who: b, on: bytes, want: KR, is: denied}
  - {who: b, on: bytes, want: RC, is: granted, self: S-1-5-21-1-2-3-1108}
  - {who: b, on: bytes, want: RC, is: denied, self: S-1-5-21-1-2-3-1109}
  - {who: b, on: bytes, want: RC, is: granted, self: DA}
  - {who: [a, b], on: [text, plain], want: FR, is: denied}
  - {who: i, on: text, want: FR, is: granted, call: NtAccessCheck}
  - {who: i, on: text, want: FR, is: denied}
  - {who: a, on: text, want: FR, is: granted, why: [AceAllow, DACL 0]}
  - {who: a, on: text, want: FR, is: granted, why: [AceAllow, DACL 7], name: wrong}
  - {who: a, on: skipped, want: FR, is: granted, why: [DACL 0, DACL 1]}
`, sddl.MustParse("O:BAG:SYD:(A;;KR;;;BU)(A;;0x20000;;;PS)").Binary()))
	var got []string
	for _, c := range r.Cases {
		got = append(got, fmt.Sprintf("%s %s %s %t %t", c.Who, c.On, c.Want, c.Granted, c.Problem == ""))
	}
	want := []string{"a bytes KR true true", "a bytes FR false true", "b bytes KR false true", "b bytes RC true true",
		"b bytes RC false true", "b bytes RC true true", "a text FR true false", "b text FR false true",
		"a plain FR false true", "b plain FR false true", "i text FR true true", "i text FR false true",
		"a text FR true true", "a text FR true false", "a skipped FR true true"}
	check.Equal(t, strings.Join(got, "\n"), strings.Join(want, "\n"), "cases")
	check.Equal(t, r.Failed, 2, "failed cases")
	wrong := r.Cases[len(r.Cases)-2]
	check.That(t, wrong.Name == "wrong" && strings.Contains(wrong.Problem, "DACL 7"),
		`case %+v, want "wrong" with a problem about DACL 7`, wrong)
}
