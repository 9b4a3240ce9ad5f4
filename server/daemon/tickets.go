package daemon

import (
	"fmt"

	"github.com/refmon/refmon/winnt"
)

// Ticketed is a logon session that a client's ticket opened.
type Ticketed struct {
	Session string `json:"session"`
	User    string `json:"user"`
	Proof   string `json:"proof"` // by which ticket
}

// mostTickets bounds an answer.
const mostTickets = 4096

// tickets returns the sessions that clients' tickets opened. A caller without
// SeDebugPrivilege sees those of the caller's own user alone (K-81, W-27).
func (l *looker) tickets() (list []Ticketed) {
	for _, p := range l.d.sys.Proved() {
		if !l.who.Holds(winnt.SeDebugPrivilege) && p.User != l.who.Effective().User().SID {
			continue
		}
		if len(list) == mostTickets {
			break
		}
		list = append(list, Ticketed{fmt.Sprintf("0x%x", uint64(p.Session)), p.User.String(), p.Proof})
	}
	return list
}
