package pac

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// TestPACMustBeOfTicketsClient checks that name, time, domain and requestor of a PAC must be those of the ticket's
// client. Another requestor is accepted only if delegation is allowed (K-14 to K-17).
func TestPACMustBeOfTicketsClient(t *testing.T) {
	// Each case has its own error, because another error would hide that this one was not detected.
	why := map[string]string{"K-14": "it was made for", "K-15": "make no user of a domain",
		"UPN":  "its names are those of",
		"K-16": "requested it, and the user is", "K-17": "it came by delegation through"}
	for name, c := range map[string]struct {
		rule   string
		change func(*forge.PAC, *Ticket)
	}{
		"":                       {"", func(*forge.PAC, *Ticket) {}},
		"no requestor":           {"", func(p *forge.PAC, _ *Ticket) { p.Requestor, p.Delegated = sid.SID{}, nil }},
		"another name":           {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "bob" }},
		"a name with a dollar":   {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "alice$" }},
		"a name in another case": {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "Alice" }},
		"a longer name":          {"K-14", func(p *forge.PAC, _ *Ticket) { p.Client = "alice\x00" }},
		"another ticket's name":  {"K-14", func(_ *forge.PAC, t *Ticket) { t.Client = "alice/admin" }},
		"another time":           {"K-14", func(_ *forge.PAC, t *Ticket) { t.AuthTime = at.Add(time.Second) }},
		"a time before":          {"K-14", func(_ *forge.PAC, t *Ticket) { t.AuthTime = at.Add(-time.Second) }},
		"another requestor": {"K-16",
			func(p *forge.PAC, _ *Ticket) { p.Delegated, p.Requestor = nil, domain.WithRID(500) }},
		"a delegate, delegation not allowed": {"K-17",
			func(p *forge.PAC, t *Ticket) { p.Requestor, t.Delegated = domain.WithRID(500), false }},
		"the client by delegation, delegation not allowed": {"K-17", func(_ *forge.PAC, t *Ticket) { t.Delegated = false }},
		"no delegation": {"", func(p *forge.PAC, t *Ticket) { p.Delegated, t.Delegated = nil, false }},
		"no domain":     {"K-15", func(p *forge.PAC, _ *Ticket) { p.Domain = sid.MustParse("S-1-5-32") }},
		"half a domain": {"K-15",
			func(p *forge.PAC, _ *Ticket) { p.Domain = sid.MustParse("S-1-5-21-1-2") }},
		"another authority": {"K-15",
			func(p *forge.PAC, _ *Ticket) { p.Domain = sid.MustParse("S-1-22-21-1-2-3") }},
		"no domain of four": {"K-15",
			func(p *forge.PAC, _ *Ticket) { p.Domain = sid.MustParse("S-1-5-80-1-2-3") }},
		"no user":                        {"K-15", func(p *forge.PAC, _ *Ticket) { p.User = 0 }},
		"names of another account":       {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = domain.WithRID(500) }},
		"names of another domain":        {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = other.WithRID(1104) }},
		"names without a SID":            {"", func(p *forge.PAC, _ *Ticket) { p.UPNSID = sid.SID{} }},
		"the domain's own names":         {"UPN", func(p *forge.PAC, _ *Ticket) { p.UPNSID = domain }},
		"a delegate, delegation allowed": {"", func(p *forge.PAC, _ *Ticket) { p.Requestor = domain.WithRID(500) }},
		"another requestor, where delegates are let in": {"K-16",
			func(p *forge.PAC, _ *Ticket) { p.Delegated, p.Requestor = nil, domain.WithRID(500) }},
	} {
		w, ticket := alice(), Ticket{Client: "alice", AuthTime: at, Delegated: true}
		c.change(&w, &ticket)
		p, err := Open(forge.Seal(w.Buffers(), key(18)), key(18))
		check.RequireThat(t, err == nil, "%s: %v", name, err)
		err = p.Check(ticket)
		if errors.Is(err, ErrInvalid) != (c.rule != "") || err != nil && !strings.Contains(err.Error(), why[c.rule]) {
			t.Errorf("%s: %s: %v, want a refusal with %q", c.rule, name, err, why[c.rule])
		}
	}
}
