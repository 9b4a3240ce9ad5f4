package daemon

import (
	"fmt"

	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// mostTickets is the most entries of a reply.
const mostTickets = 4096

// tickets returns at most mostTickets logon sessions that clients opened with tickets. Without SeDebugPrivilege it
// returns only those of the caller's user (K-81, W-27). It does not report whether it left sessions out.
func (l *inspector) tickets() (list []inspect.TicketSession) {
	for _, p := range l.d.sys.Proved() {
		if !l.who.Holds(winnt.SeDebugPrivilege) && p.User != l.who.Effective().User().SID {
			continue
		}
		if len(list) == mostTickets {
			break
		}
		list = append(list, inspect.TicketSession{
			Session: fmt.Sprintf("0x%x", uint64(p.Session)), User: p.User.String(), Proof: p.Proof})
	}
	return list
}
