package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A-92, T-63: a SID that a second filter took out of the restricting list still
// denies in the restricted pass, and allows no more; with an empty list nothing
// is allowed.
func TestRestrictedTwice(t *testing.T) {
	tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1001","groups":["WD","BU"]}`))
	if err != nil {
		t.Fatal(err)
	}
	restrict := func(tok *token.Token, sids ...sid.SID) *token.Token {
		var list []token.Group
		for _, s := range sids {
			list = append(list, token.Group{SID: s})
		}
		n, st := tok.Filter(token.FilterSpec{Restrict: list})
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return n
	}
	users := restrict(restrict(tok, sid.Everyone, sid.Users), sid.Users)
	unlisted := restrict(users, sid.Guests)
	for _, c := range []struct {
		name string
		tok  *token.Token
		sd   string
		want winnt.AccessMask
	}{
		{"what is left allows", users, "O:BAG:BAD:(A;;FR;;;BU)", winnt.FILE_READ_DATA},
		{"what was dropped allows no more", users, "O:BAG:BAD:(A;;FR;;;WD)", 0},
		{"what was dropped still denies", users, "O:BAG:BAD:(D;;FR;;;WD)(A;;FR;;;BU)", 0},
		{"nothing is left", unlisted, "O:BAG:BAD:(A;;FR;;;WD)(A;;FR;;;BU)(A;;FR;;;BG)", 0},
	} {
		// plain and with an entry that is not
		for _, sd := range []string{c.sd, c.sd + "(XA;;FX;;;BA;(Member_of{SID(BA)}))"} {
			d, err := access.Check(c.tok, sddl.MustParse(sd), winnt.FILE_READ_DATA, winnt.FileObject)
			if err != nil || d.Granted != c.want {
				t.Errorf("%s: %s: granted %#x, want %#x, %v", c.name, sd, d.Granted, c.want, err)
			}
		}
	}
}
