package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Tally counts what the histories reached: calls by their name, those that failed and
// those that succeeded; calls with a feature, by what it is; statuses.
type Tally struct {
	Made     map[string][2]int
	Features map[string]int
	Statuses map[ntstatus.Status]int
}

func newTally() Tally { return Tally{map[string][2]int{}, map[string]int{}, map[ntstatus.Status]int{}} }

// Calls returns how many calls were made.
func (t Tally) Calls() (n int) {
	for _, c := range t.Made {
		n += c[0] + c[1]
	}
	return n
}

// sum adds the counts of another tally.
func (t Tally) sum(o Tally) {
	for name, c := range o.Made {
		mine := t.Made[name]
		t.Made[name] = [2]int{mine[0] + c[0], mine[1] + c[1]}
	}
	for name, n := range o.Features {
		t.Features[name] += n
	}
	for st, n := range o.Statuses {
		t.Statuses[st] += n
	}
}

// add counts a call by its text.
func (t Tally) add(text string, st ntstatus.Status) {
	name := text[strings.IndexAny(text, ".:")+1:] // behind the thread
	name, _, _ = strings.Cut(strings.TrimSpace(name), "(")
	name, _, _ = strings.Cut(name, " impersonation ") // and before its number
	name, _, _ = strings.Cut(name, " with ")
	c := t.Made[name]
	if st.IsSuccess() {
		c[1]++
	} else {
		c[0]++
	}
	t.Made[name] = c
	t.Statuses[st]++
}

// features name the rare traits of worlds and calls; each must be met in a good part of
// the calls.
var features = []struct {
	name string
	is   func(p *Pair, c *call, op *Op) bool
}{
	{"in kernel mode", func(_ *Pair, c *call, _ *Op) bool { return !c.user }},
	{"memory runs out", func(_ *Pair, _ *call, op *Op) bool { return op.Fail != 0 }},
	{"by a thread that impersonates", ofThread(func(t *Thread) bool { return t.Record != nil })},
	{"by a client below SecurityImpersonation", ofThread(func(t *Thread) bool {
		return t.Record != nil && t.Record.Level < 2
	})},
	{"with CopyOnOpen", ofThread(func(t *Thread) bool { return t.Record != nil && t.Record.CopyOnOpen })},
	{"with EffectiveOnly", ofThread(func(t *Thread) bool { return t.Record != nil && t.Record.EffectiveOnly })},
	{"with a copy of its own", ofThread(func(t *Thread) bool { return t.Record != nil && t.Record.Own })},
	{"with a primary token as a client's", ofThread(func(t *Thread) bool {
		return t.Record != nil && t.Record.Token.Value.Type == winnt.TokenPrimary
	})},
	{"in a job", ofThread(func(t *Thread) bool { return t.Process.Job != nil })},
	{"in nested jobs", ofThread(func(t *Thread) bool { return len(t.Process.Job.chain()) > 1 })},
	{"with another token than the process began with", ofThread(func(t *Thread) bool {
		return t.Process.Self != processKind.all
	})},
	{"of a restricted token", ofToken((*Value).restricted)},
	{"of a token restricted in writing", ofToken(func(v *Value) bool { return v.Writing })},
	{"of a token restricted to nothing", ofToken(func(v *Value) bool {
		return v.restricted() && len(v.Restricted) == 0
	})},
	{"of a token restricted twice", ofToken(func(v *Value) bool { return len(v.Barred) > 0 })},
	{"of a token whose user is for deny only", ofToken(func(v *Value) bool { return v.UserDeny })},
	{"of a filtered token", ofToken(func(v *Value) bool { return v.Filtered })},
	{"of a token with a deny-only group", ofToken(func(v *Value) bool {
		return slices.ContainsFunc(v.Groups, func(g Group) bool { return g.DenyOnly })
	})},
	{"of a token with a logon SID", ofToken(func(v *Value) bool {
		return slices.ContainsFunc(v.Groups, func(g Group) bool { return g.Name == LogonSID })
	})},
	{"of a token below Medium", ofToken(func(v *Value) bool { return v.Integrity < medium })},
	{"of a token above Medium", ofToken(func(v *Value) bool { return v.Integrity > medium })},
	{"of a token that no label limits", ofToken(func(v *Value) bool { return v.Policy&1 == 0 })},
	{"of a token without default DACL", ofToken(func(v *Value) bool { return v.Default == nil })},
	{"of the anonymous logon", ofToken(func(v *Value) bool { return v.User == Anonymous })},
	{"of a token of another session", ofToken(func(v *Value) bool { return v.Session != 0 })},
	{"with a process that has ended", func(p *Pair, _ *call, _ *Op) bool { return p.M.Processes[last].Over }},
	{"with a protected handle", ofThread(func(t *Thread) bool {
		return slices.ContainsFunc(t.Process.Handles.Slots, func(s Slot) bool { return s.Protect })
	})},
	{"about a thread of another process", func(p *Pair, c *call, _ *Op) bool {
		return c.target >= 0 && p.M.Threads[c.target].Process != p.M.Threads[c.thread].Process
	}},
}

func ofThread(is func(*Thread) bool) func(*Pair, *call, *Op) bool {
	return func(p *Pair, c *call, _ *Op) bool { return is(p.M.Threads[c.thread]) }
}

// ofToken returns a feature of the token with which the calling thread acts.
func ofToken(is func(*Value) bool) func(*Pair, *call, *Op) bool {
	return ofThread(func(t *Thread) bool { return is(t.subject().token) })
}

// features counts the features of the next call.
func (p *Pair) features(c *call, op *Op) {
	for _, f := range features {
		if f.is(p, c, op) {
			p.made.Features[f.name]++
		}
	}
}

// Scarce lists what the histories hardly reached: services that almost always, or almost never, succeed; features
// that fewer than one call in 200 has; statuses that the model can return and returned less than twice.
func (t Tally) Scarce() (list []string) {
	calls := t.Calls()
	for name, c := range t.Made {
		few := (c[0] + c[1]) / 20
		if strings.HasPrefix(name, "Nt") && (c[0] < few || c[1] < few) {
			list = append(list, fmt.Sprintf("%s failed %d times and succeeded %d times", name, c[0], c[1]))
		}
	}
	for _, f := range features {
		if n := t.Features[f.name]; n < calls/200 {
			list = append(list, fmt.Sprintf("%d of %d calls %s", n, calls, f.name))
		}
	}
	for _, st := range given {
		if n := t.Statuses[st]; n < 2 {
			list = append(list, fmt.Sprintf("%s was given %d times", st, n))
		}
	}
	slices.Sort(list)
	return list
}

// given are the statuses that a history can end a call with.
var given = []ntstatus.Status{ntstatus.Success, ntstatus.NotAllAssigned, ntstatus.AccessDenied,
	ntstatus.AllottedSpaceExceeded, ntstatus.BadImpersonationLevel, ntstatus.BadTokenType, ntstatus.BufferTooSmall,
	ntstatus.CantDisableMandatory, ntstatus.CantEnableDenyOnly, ntstatus.CantOpenAnonymous,
	ntstatus.GenericNotMapped, ntstatus.HandleNotClosable, ntstatus.InfoLengthMismatch,
	ntstatus.InsufficientResources, ntstatus.InvalidCid, ntstatus.InvalidHandle, ntstatus.InvalidInfoClass,
	ntstatus.InvalidOwner, ntstatus.InvalidParameter, ntstatus.InvalidPrimaryGroup, ntstatus.InvalidSecurityDescr,
	ntstatus.MutantNotOwned, ntstatus.NoImpersonationToken, ntstatus.NoMemory, ntstatus.NoMoreEntries,
	ntstatus.NoSecurityOnObject, ntstatus.NoSuchLogonSession, ntstatus.NoToken, ntstatus.NotFound,
	ntstatus.NotSameObject, ntstatus.NotSupported, ntstatus.ObjectTypeMismatch, ntstatus.PrivilegeNotHeld,
	ntstatus.ProcessIsTerminating, ntstatus.SemaphoreLimitExceeded, ntstatus.SuspendCountExceeded,
	ntstatus.ThreadIsTerminating}
