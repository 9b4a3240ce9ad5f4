package daemon

import (
	"time"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Denial is a denial from a part of the program that is not a connection, such as a mount.
type Denial struct {
	Time    time.Time
	UID     uint32   // uid of the denied user; a full buffer drops denials of the uid that has the most
	User    sid.SID  // user of the token; zero if the user could not log on
	Process uint64   // the kernel's process that served the request; 0 for none
	Lines   []string // the reasons, as they are displayed
}

// AddDenial stores a denial for queries about denials. Callers with SeDebugPrivilege see it, and so does its
// user. A full buffer drops an older denial. A denial with more than 256 KiB of Lines is counted and not stored.
// AddDenial takes ownership of Lines and does not block on readers.
func (d *Daemon) AddDenial(n Denial) {
	s := &seen{at: n.Time, process: n.Process, as: kernel.Acting{User: n.User}, guard: ownedBy(n.User), lines: n.Lines,
		owner: owner{uid: n.UID}}
	for _, l := range n.Lines {
		s.size += len(l)
	}
	// Queries show the denial to its user like a denied call of the user's own process (W-97).
	d.denials.add(s)
}

// ownedBy returns a security descriptor by which a denial is shown to its user: that of a process which grants the user
// every process right and nobody else any. It returns nil, which grants nobody anything, for the zero SID.
func ownedBy(user sid.SID) *sd.Descriptor {
	ace, err := sd.NewACE(sd.AccessAllowed, 0, winnt.PROCESS_ALL_ACCESS, user)
	if err != nil {
		return nil
	}
	acl, err := sd.NewACL(ace)
	if err != nil {
		return nil
	}
	return sd.New(sd.Parts{Owner: user, Group: user, DACL: acl, Control: sd.DACLPresent})
}
