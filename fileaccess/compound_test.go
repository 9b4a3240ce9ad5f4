package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// an entry for a client by way of a server counts where the server's token is the
// subject's own, for a file as elsewhere.
func TestCompoundEntries(t *testing.T) {
	user, server := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-2001")
	entry, err := sd.NewACE(sd.AccessAllowedCompound, 0, winnt.FILE_READ_DATA, server, sd.ACEExtra{ClientSID: user})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(entry)
	if err != nil {
		t.Fatal(err)
	}
	d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	tok := func(s sid.SID, typ winnt.TokenType) *token.Token {
		spec := token.StandardUser(s)
		if spec.Type = typ; typ == winnt.TokenImpersonation {
			spec.Level = winnt.SecurityImpersonation
		}
		return mustToken(t, spec)
	}
	client := tok(user, winnt.TokenImpersonation)
	for primary, want := range map[sid.SID]winnt.AccessMask{server: winnt.FILE_READ_DATA, user: 0} {
		s := &access.Subject{Primary: tok(primary, winnt.TokenPrimary), Client: client,
			Level: winnt.SecurityImpersonation}
		if got := fileaccess.Can(s, d, winnt.FILE_READ_DATA, nil); got != want {
			t.Errorf("by way of %s: %#x, want %#x", primary, got, want)
		}
	}
}
