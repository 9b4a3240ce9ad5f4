package kit

import (
	"fmt"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// ImpersonateIn is the input of impersonate.
type ImpersonateIn struct {
	Process *oracle.Token `json:"process"`
	Client  *oracle.Token `json:"client"`
	Level   int           `json:"level"`
}

// servers returns 12 new primary tokens of servers for questions about impersonation. They differ in the properties
// by which I-42 decides. The first is a plain one.
func servers() (processes []*oracle.Token) {
	for i := range 12 {
		p := plainToken()
		p.Type, p.Level, p.AuthenticationID, p.Elevation = "primary", 0, 0x1234, "default"
		switch i {
		case 1, 2:
			p.Privileges = []oracle.Privilege{{Name: "SeImpersonatePrivilege", Attributes: oracle.Word(i-1) * 3}}
		case 3:
			p.Restricting = []string{everyone}
		case 4:
			p.Integrity = 0x1000
		case 5:
			p.Integrity, p.Elevation = 0x3000, "full"
		case 6:
			p.AppContainer, p.Integrity = pack, 0x1000
		case 7:
			p.Elevation = "limited"
		case 8:
			p.User = stranger
		case 9:
			p.User, p.Integrity = stranger, 0x1000
		case 10:
			p.AuthenticationID = 0x777
		case 11:
			p.User, p.Restricting = stranger, []string{limited}
		}
		processes = append(processes, p)
	}
	return processes
}

// callers returns 11 new tokens of clients for questions about impersonation. They differ in the properties by which
// I-42 decides. The first is a plain one.
func callers() (clients []*oracle.Token) {
	for i := range 11 {
		c := plainToken()
		c.AuthenticationID, c.Elevation = 0x5678, "default"
		switch i {
		case 1:
			c.User = stranger
		case 2:
			c.Restricting = []string{everyone}
		case 3:
			c.Integrity = 0x1000
		case 4:
			c.Integrity, c.Elevation = 0x3000, "full"
		case 5:
			c.AppContainer, c.Integrity = pack, 0x1000
		case 6:
			c.AuthenticationID = 0x3E6
		case 7:
			c.OriginatingLogon = 0x1234
		case 8:
			c.OriginatingLogon, c.Integrity = 0x1234, 0x3000
		case 9:
			c.AppContainer, c.Integrity = fmt.Sprint(pack, "7"), 0x1000
		case 10:
			c.OriginatingLogon, c.User = 0x777, stranger
		}
		clients = append(clients, c)
	}
	return clients
}

// makeLadder adds questions about the level that PsImpersonateClient gives to the suite.
func makeLadder(b *builder) {
	for _, p := range servers() {
		for _, c := range callers() {
			for own := -1; own < 4; own++ { // -1: a primary token
				client := *c
				client.Level = own
				if own < 0 {
					client.Type, client.Level = "primary", 0
				}
				for level := range 5 {
					status, now, rule := oracle.Impersonate(p, &client, level, false)
					out := &Out{Status: status, Level: &now}
					if status != oracle.Success {
						out.Level = nil
					}
					q := b.add("impersonate", ImpersonateIn{p, &client, level}, out, rule)
					if _, seen, _ := oracle.Impersonate(p, &client, level, true); seen != now {
						q.Either = []*Out{{Status: status, Level: &seen}} // both answers are right (B-41)
					}
				}
			}
		}
	}
}
