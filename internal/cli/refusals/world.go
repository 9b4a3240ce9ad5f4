package refusals

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// noHandle is an invalid handle.
const noHandle winnt.Handle = 0xDEAD0

var (
	svcSID  = account(2001)
	userSID = account(1107)
)

// account returns the SID of the test domain's account with this RID.
func account(rid uint32) sid.SID {
	s, ok := sid.New(5, 21, 1, 2, 3, rid)
	if !ok {
		panic(fmt.Sprintf("refusals: no account %d", rid))
	}
	return s
}

// world is a kernel for one call: a server process with SeImpersonatePrivilege and two threads, and the token of a
// client. It belongs to one goroutine.
type world struct {
	profile nt.Profile
	sys     *kernel.System
	server  *kernel.Process
	thread  *nt.Thread // the caller
	k       *kernel.KernelThread
	other   *ps.Thread // another thread of the server
	second  *nt.Thread

	named   ob.Object         // see made
	child   *kernel.Process   // see suspended
	naked   bool              // tokens made from now on have no descriptor
	closing bool              // tokens made from now on admit no caller
	odd     *ps.Job           // see anotherType
	calling bool              // the call itself is running: memory can run out
	failing map[string]bool   // allocation points that fail (O-81)
	owned   []*se.TokenObject // one reference each
	last    []func()          // after those of late
	late    []func()          // run when everything is set up, before the call
	drop    []func()          // run before the kernel is closed
}

// newWorld boots a system with one process of two threads. It panics if that fails. Injected failures apply
// only during the tested call.
func newWorld(profile nt.Profile) *world {
	w := &world{profile: profile, failing: map[string]bool{}}
	w.sys = kernel.Boot(kernel.Config{Profile: profile,
		Faults: func(p string) bool { return w.calling && (w.failing[p] || w.failing["*"]) }})
	var err error
	if w.server, err = w.sys.NewProcess("server", must(token.New(serverSpec()))); err != nil {
		panic("refusals: " + err.Error())
	}
	w.thread = must(w.server.NewThread())
	w.second = must(w.server.NewThread())
	w.other = w.sys.ThreadObject(w.second)
	w.k = w.sys.KernelMode(w.thread)
	return w
}

// must returns v, and panics if err is not nil.
func must[T any](v T, err error) T {
	if err != nil {
		panic("refusals: " + err.Error())
	}
	return v
}

// serverSpec returns the server's token: Medium integrity, with SeImpersonatePrivilege and without
// SeSecurityPrivilege.
func serverSpec() token.Spec {
	s := token.StandardUser(svcSID)
	s.Privileges |= winnt.Privileges(winnt.SeImpersonatePrivilege)
	s.EnabledPrivileges |= winnt.Privileges(winnt.SeImpersonatePrivilege)
	s.DefaultDACL = fullFor(svcSID, sid.LocalSystem)
	return s
}

// clientSpec returns an impersonation token of another user, without a logon SID, as
// after a network logon.
func clientSpec(level winnt.SecurityImpersonationLevel) token.Spec {
	s := token.StandardUser(userSID)
	s.Groups = slices.DeleteFunc(s.Groups, func(g token.Group) bool { return g.Attributes&winnt.SE_GROUP_LOGON_ID != 0 })
	s.Type, s.Level = winnt.TokenImpersonation, level
	return s
}

// fullFor returns a DACL that grants GENERIC_ALL to each of who; an empty one, which grants nothing, for
// nobody.
func fullFor(who ...sid.SID) *sd.ACL {
	var aces []sd.ACE
	for _, s := range who {
		aces = append(aces, must(sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, s)))
	}
	return must(sd.NewACL(aces...))
}

// open returns a descriptor that grants everyone everything.
func open() *sd.Descriptor { return protect(fullFor(sid.Everyone)) }

// closed returns a descriptor of SYSTEM whose empty DACL grants nothing.
func closed() *sd.Descriptor { return protect(must(sd.NewACL())) }

// protect returns a descriptor with this DACL, whose owner and group are SYSTEM. A nil list is a NULL DACL.
func protect(list *sd.ACL) *sd.Descriptor {
	return sd.New(sd.Parts{Control: sd.DACLPresent, Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: list})
}

// own returns a descriptor that grants everyone everything and whose owner is the server.
func own() *sd.Descriptor {
	return sd.New(sd.Parts{Control: sd.DACLPresent, Owner: svcSID, Group: svcSID, DACL: fullFor(sid.Everyone)})
}

// withSACL returns a descriptor with an audit entry.
func withSACL() *sd.Descriptor {
	audit := must(sd.NewACL(must(sd.NewACE(sd.SystemAudit, 0x40, winnt.TOKEN_QUERY, sid.Everyone))))
	return sd.New(sd.Parts{Control: sd.DACLPresent | sd.SACLPresent, Owner: svcSID, Group: svcSID,
		DACL: fullFor(sid.Everyone), SACL: audit})
}

// full returns a descriptor whose SACL has no space for a label: the labels in it are inherit-only.
func full() *sd.Descriptor {
	label := must(sd.NewACE(sd.SystemMandatoryLabel, sd.InheritOnly, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP,
		sid.LowLevel))
	labels := slices.Repeat([]sd.ACE{label}, (sd.MaxACLSize-8)/len(label.Binary()))
	return sd.New(sd.Parts{Control: sd.DACLPresent | sd.SACLPresent, Owner: svcSID, Group: svcSID,
		DACL: fullFor(sid.Everyone), SACL: must(sd.NewACL(labels...))})
}

// token returns a new token object that exists as long as the world. It panics for a spec that contradicts itself. A
// nil d means no descriptor.
func (w *world) token(s token.Spec, d *sd.Descriptor) *se.TokenObject {
	t := w.server.Object().System().Security.NewToken(must(token.New(s)), d)
	t.Retag(ob.TagCall, ob.TagContext)
	w.owned = append(w.owned, t)
	return t
}

// handle returns a new handle of the server with exactly these rights. It panics if that fails.
func (w *world) handle(o ob.Object, rights winnt.AccessMask) winnt.Handle {
	h, st := w.server.Object().Table().Insert(o, rights, 0)
	if !st.IsSuccess() {
		panic("refusals: handle: " + st.String())
	}
	return h
}

// protected returns a new handle that cannot be closed.
func (w *world) protected(o ob.Object) winnt.Handle {
	h := w.handle(o, winnt.TOKEN_ALL_ACCESS)
	w.server.Object().Table().SetAttributes(h, winnt.OBJ_PROTECT_CLOSE)
	return h
}

// impersonate assigns a token to a thread, regardless of its previous state. It panics if that fails.
func (w *world) impersonate(t *ps.Thread, tok *se.TokenObject, copyOnOpen bool,
	level winnt.SecurityImpersonationLevel) {
	if o := ps.ImpersonateClient(t, tok, copyOnOpen, false, level); !o.Status.IsSuccess() || o.Demoted {
		panic("refusals: impersonate: " + o.Status.String() + " " + o.Because)
	}
}

// callerAt makes the calling thread impersonate the client at a level, once everything is set up.
func (w *world) callerAt(level winnt.SecurityImpersonationLevel) {
	w.late = append(w.late, func() {
		w.impersonate(w.sys.ThreadObject(w.thread), w.token(clientSpec(level), open()), false, level)
	})
}

// job puts the server into a job that rejects tokens with Administrators. Tokens from before are not affected (I-90).
func (w *world) job() { w.jobOf(w.server, ps.JobRestrictedToken) }

// jobOf puts p into a new job, and sets the job's limits just before the call. It panics if either fails.
func (w *world) jobOf(p *kernel.Process, flags uint32) {
	if st := p.AssignToJob(kernel.JobSecurity{}); !st.IsSuccess() {
		panic("refusals: job: " + st.String())
	}
	w.last = append(w.last, func() {
		j := p.Object().Job()
		defer j.Deref(ob.TagCall)
		if o := j.SetLimits(ps.JobLimits{Flags: flags}); !o.Status.IsSuccess() {
			panic("refusals: job: " + o.Status.String())
		}
	})
}

// state returns the state that a failing service must not change: the numbers of objects, handles and references, and
// the impersonation of both threads.
func (w *world) state() string {
	o, h, r := w.sys.Counts()
	s := fmt.Sprintf("%d objects, %d handles, %d references", o, h, r)
	for _, t := range []*ps.Thread{w.sys.ThreadObject(w.thread), w.other} {
		rec := t.Impersonation(ob.TagCall)
		if rec == nil {
			s += "; not impersonating"
			continue
		}
		s += fmt.Sprintf("; token %d copy %t effective %t level %d modified %d", rec.Token.ID(), rec.CopyOnOpen,
			rec.EffectiveOnly, rec.Level, rec.Token.Value().ModifiedID())
		rec.Token.Deref(ob.TagCall)
	}
	return s
}

// close ends the world. It returns an error with the objects that the call leaked.
func (w *world) close() error {
	for _, f := range w.drop {
		f()
	}
	for _, t := range w.owned {
		t.Deref(ob.TagContext)
	}
	if w.odd != nil {
		w.odd.Deref(ob.TagCall)
	}
	return w.sys.Close()
}
