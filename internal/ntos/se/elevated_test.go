package se_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestElevation: a server that is not elevated takes no elevated client, and an elevated
// one takes either (I-42, row h2).
func TestElevation(t *testing.T) {
	of := func(typ winnt.TokenType, elevation uint32) *token.Token {
		s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		s.Type, s.ElevationType = typ, elevation
		if typ == winnt.TokenImpersonation {
			s.Level = winnt.SecurityImpersonation
		}
		v, err := token.New(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const full, limited = winnt.TokenElevationTypeFull, winnt.TokenElevationTypeLimited
	for _, c := range []struct {
		server, client uint32
		row            string
	}{{limited, full, "h2"}, {full, limited, "j"}, {full, full, "j"}, {limited, limited, "j"}} {
		ok, row := se.CanImpersonate(of(winnt.TokenPrimary, c.server), of(winnt.TokenImpersonation, c.client),
			winnt.SecurityImpersonation, nt.Documented)
		if row != c.row || ok != (c.row == "j") {
			t.Errorf("I-42: a server of type %d, a client of type %d: %t by row %s, want %s", c.server, c.client, ok, row, c.row)
		}
	}
}
