package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// CheckBytes knows the owner for OWNER RIGHTS in the DACL, and evaluates the condition of an access filter in
// the SACL.
func TestCheckBytesReadsOwnerAndFilter(t *testing.T) {
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	for text, want := range map[string]winnt.AccessMask{
		"O:S-1-5-21-1-2-3-1001G:SYD:(A;;0x1;;;OW)":                      1,
		"O:S-1-5-21-1-2-3-1002G:SYD:(A;;0x1;;;OW)":                      0,
		`O:SYG:SYD:(A;;0x1;;;WD)S:(FL;;0x2;;;WD;(Member_of {SID(WD)}))`: 1,
		`O:SYG:SYD:(A;;0x1;;;WD)S:(FL;;0x2;;;WD;(Member_of {SID(BG)}))`: 0,
	} {
		d := sddl.MustParse(text)
		slow, err := access.Check(tok, d, 1, winnt.FileObject)
		fast, err2 := access.CheckBytes(tok, d.Binary(), 1, winnt.FileObject)
		check.That(t, err == nil && err2 == nil && fast == slow && fast.Granted == want,
			"%s: Check %v, %v; CheckBytes %v, %v; want %v", text, slow, err, fast, err2, want)
	}
}
