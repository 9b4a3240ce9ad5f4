package fileaccess_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sddl"
)

// An inheritable OWNER@ or GROUP@ comes back as it went, with each flag, and is
// found in a descriptor that was not made of an NFSv4 list.
func TestInheritableOwner(t *testing.T) {
	for _, text := range []string{
		"A:fd:OWNER@:rwx", "A:fdi:OWNER@:rwx", "A:fdn:OWNER@:rwx", "A:fdI:OWNER@:rwx", "U:fdS:OWNER@:rwx",
		"A:f:OWNER@:rwx,A:d:OWNER@:rwx", "A:fd:OWNER@:rwx,A:fdi:OWNER@:rwx",
		"D:fd:OWNER@:w,A:fd:OWNER@:rwx,A:fdg:GROUP@:rx,A:fd:EVERYONE@:r",
	} {
		list, err := fileaccess.ParseNFS4(text)
		if err != nil {
			t.Fatal(err)
		}
		d, _, err := fileaccess.FromNFS4(list, caseU, caseG, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, lost := fileaccess.ToNFS4(d, nil)
		if got := strings.TrimSpace(strings.ReplaceAll(fileaccess.FormatNFS4(back), "\n", ",")); got != text+"," ||
			lost != nil {
			t.Errorf("%s comes back as %s, %v", text, got, lost)
		}
	}
	for text, want := range map[string]string{
		"(A;OICI;0x3;;;CO)":   "A:fdi:OWNER@:rw",
		"(A;OICIIO;0x3;;;CG)": "A:fdig:GROUP@:rw",
		"(A;OICI;0x3;;;CG)":   "A:fdig:GROUP@:rw",
	} {
		list, lost := fileaccess.ToNFS4(sddl.MustParse("O:BAG:SYD:"+text), nil)
		if got := strings.TrimSpace(fileaccess.FormatNFS4(list)); got != want || lost != nil {
			t.Errorf("%s: %s, %v, want %s", text, got, lost, want)
		}
	}
}
