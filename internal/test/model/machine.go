package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Token is a token object of the model.
type Token struct {
	ID    int
	Value Value
	Guard *Descriptor
	Root  *Token                           // the token it was made of, itself for an original
	Chain winnt.SecurityImpersonationLevel // least level of the impersonation tokens it derives from (P-2)

	Of      *Token // it is a copy of that (T-113)
	From    *Token // it was filtered from that
	Changes int    // of Value and Guard
}

// set changes the value of a token and gives it a new ModifiedId.
func (m *Machine) set(t *Token, change func(*Value)) {
	m.modified++
	change(&t.Value)
	t.Value.Modified = m.modified
	t.Changes++
}

// Record is a thread's impersonation state. Just and Under tell what held when
// it was accepted; they are not part of the kernel's state.
type Record struct {
	Token         *Token
	CopyOnOpen    bool
	EffectiveOnly bool
	Level         winnt.SecurityImpersonationLevel
	Under         bool   // a job admitted no administrators at the time (P-12)
	Own           bool   // Token is the copy an open made (I-6)
	Just          bool   // accepted with SeImpersonatePrivilege or condition e or b of I-42
	Levels        int    // how often an integrity level had been set by then (P-14)
	By            *Token // the primary token of the process then (P-1)
}

// Thread is a thread of the model.
type Thread struct {
	ID      winnt.Handle
	Process *Process
	Record  *Record
	Guard   *Descriptor
	Self    winnt.AccessMask // rights behind NtCurrentThread (O-18)
	Tickets []*Record        // saved by SaveImpersonation, nil for "not impersonating"

	Suspended int // how often
}

// Process is a process of the model.
type Process struct {
	ID      winnt.Handle
	Primary *Token
	First   *Token // the one that it began with
	Guard   *Descriptor
	Handles Table
	Threads []*Thread
	Job     *Job             // the innermost
	Self    winnt.AccessMask // rights behind NtCurrentProcess (O-17)
	Name    string
	Over    bool            // it was ended
	Status  ntstatus.Status // with this
}

// last is the index of the process that makes no calls and can be ended.
const last = 2

// File is something to open; a nil Guard means no security.
type File struct {
	Name  string
	Guard *Descriptor
}

// path returns the file's full name.
func (f *File) path() string { return `\Files\` + f.Name }

// Context is a captured client (SECURITY_CLIENT_CONTEXT).
type Context struct {
	Token         *Token
	EffectiveOnly bool
	Level         winnt.SecurityImpersonationLevel

	Client   int // the thread
	Qos      QOS
	Direct   bool // it is the client's own token
	Modified int  // the token's, when it was looked at last
}

// Subject is a captured subject context.
type Subject struct {
	Client  *Token
	Level   winnt.SecurityImpersonationLevel
	Primary *Token
}

// Machine is the model of one system.
type Machine struct {
	Profile   nt.Profile
	Processes []*Process
	Threads   []*Thread
	Files     []*File
	Jobs      []*Job
	Kernel    Table
	Held      []*Token // references a kernel component holds
	Saved     []*Record
	Contexts  []*Context
	Subjects  []*Subject

	Tokens   []*Token // every token ever made
	modified int
	levels   int // how often an integrity level was set
	failing  func(point string) bool
}

// newToken makes a token object. A primary token begins a chain of levels: it
// sets no limit (T-41), and one is only made of a token at SecurityImpersonation
// or above (T-42). What that leaves of P-2 is that Impersonation can become
// Delegation by way of a primary token, and nothing less can rise.
func (m *Machine) newToken(v Value, g *Descriptor, root *Token) *Token {
	// A new object holds the logon session, whatever its origin gave up.
	v.Flags &^= winnt.TOKEN_SESSION_NOT_REFERENCED
	t := &Token{ID: len(m.Tokens) + 1, Value: v, Guard: g, Root: root, Chain: winnt.SecurityDelegation}
	if root == nil {
		t.Root = t
	} else if root.Value.Type == winnt.TokenImpersonation {
		t.Chain = min(root.Chain, root.Value.Level)
	}
	m.Tokens = append(m.Tokens, t)
	return t
}

// tables returns every table.
func (m *Machine) tables() []*Table {
	list := []*Table{&m.Kernel}
	for _, p := range m.Processes {
		list = append(list, &p.Handles)
	}
	return list
}

// References returns how many references and handles a token must have now (P-5).
func (m *Machine) References(t *Token) (pointers, handles int64) {
	for _, p := range m.Processes {
		if p.Primary == t {
			pointers++
		}
	}
	for _, j := range m.Jobs {
		if j.Limits.Token == t && m.alive(j) {
			pointers++
		}
	}
	for _, table := range m.tables() {
		for i := range table.Slots {
			if table.Slots[i].Token == t {
				handles++
			}
		}
	}
	count := func(is bool) {
		if is {
			pointers++
		}
	}
	for _, th := range m.Threads {
		count(th.Record != nil && th.Record.Token == t)
		for _, r := range th.Tickets {
			count(r != nil && r.Token == t)
		}
	}
	for _, h := range m.Held {
		count(h == t)
	}
	for _, r := range m.Saved {
		count(r != nil && r.Token == t)
	}
	for _, c := range m.Contexts {
		count(c.Token == t)
	}
	for _, s := range m.Subjects {
		count(s.Client == t)
		count(s.Primary == t)
	}
	return pointers + handles, handles
}

// defaultGuard returns the descriptor of a new object (O-38, O-39).
func defaultGuard(creator *Value, k *kind, given *Descriptor) *Descriptor {
	d := &Descriptor{Owner: creator.Owner, Group: creator.Primary, NoDACL: creator.Default == nil,
		Entries: mapEntries(creator.Default, k)}
	if given != nil {
		if given.Owner != "" {
			d.Owner = given.Owner
		}
		if given.Group != "" {
			d.Group = given.Group
		}
		if !given.Silent {
			d.NoDACL, d.Entries = given.NoDACL, mapEntries(given.Entries, k)
		}
	}
	switch k {
	case &jobKind:
		for i := range d.Entries {
			d.Entries[i].Mask &= k.all // a mask says no more than GENERIC_ALL does (S-65)
		}
	case &tokenKind:
		d.Label, d.Policy = creator.Integrity, 1
	case &processKind, &threadKind:
		d.Label, d.Policy = creator.Integrity, 3
	}
	return d
}

// mapEntries returns a copy of the list in which the generic rights of each mask are replaced by those of the kind.
// An empty list gives nil.
func mapEntries(list []Entry, k *kind) []Entry {
	var out []Entry
	for _, e := range list {
		e.Mask = k.specific(e.Mask)
		out = append(out, e)
	}
	return out
}

// copyGuard returns the descriptor of a copy that an open, a demotion or a
// capture makes (I-23).
func copyGuard(client, primary *Value) *Descriptor {
	d := &Descriptor{Owner: client.Owner, Group: client.Primary, Label: client.Integrity, Policy: 1}
	add := func(n Name) { d.Entries = append(d.Entries, Entry{Name: n, Mask: 0xF01FF}) }
	add(client.User)
	if primary.User != client.User {
		add(primary.User)
	}
	add(System)
	if primary.allows(Admins) {
		add(Admins)
	}
	if client.restricted() || primary.restricted() {
		add(Limit)
	}
	return d
}
