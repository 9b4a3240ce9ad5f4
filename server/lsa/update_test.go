package lsa

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// editWorld is an Edit with the state and records that the documentation of its methods requires.
type editWorld struct {
	*testing.T
	*rand.Rand
	e        *Edit
	want     *state
	recorded []Change
}

// editPrivileges are the privileges from which random edits choose.
var editPrivileges = []winnt.Privilege{winnt.SeTcbPrivilege, winnt.SeBackupPrivilege, winnt.SeDebugPrivilege}

func (w *editWorld) record(what, subject, detail string) {
	w.recorded = append(w.recorded, Change{"S-1-5-18", what, subject, detail})
}

// drawnRights returns some privileges and logon rights, each with its word.
func (w *editWorld) drawnRights() (p winnt.PrivilegeSet, r logon.Rights) {
	for _, x := range editPrivileges {
		if w.IntN(2) == 0 {
			p |= x.Bit()
		}
	}
	for _, x := range []logon.Rights{logon.SeBatchLogonRight, logon.SeNetworkLogonRight} {
		if w.IntN(2) == 0 {
			r |= x
		}
	}
	return p, r
}

// recordRights records one change for each right.
func (w *editWorld) recordRights(what string, id sid.SID, p winnt.PrivilegeSet, r logon.Rights) {
	for _, name := range p.Names() {
		w.record(what, id.String(), name)
	}
	for _, name := range r.Names() {
		w.record(what, id.String(), name)
	}
}

// randomSID returns the SID of an account, of a group or an unknown one.
func (w *editWorld) randomSID() sid.SID {
	return w.want.machine.WithRID(max(1005, w.want.next) - 5 + w.Uint32N(6))
}

// randomCase returns a name in one of two cases.
func (w *editWorld) randomCase(name string) string {
	if w.IntN(2) == 0 {
		return strings.ToUpper(name)
	}
	return name
}

// account changes, adds or deletes an account.
func (w *editWorld) account() {
	w.Helper()
	name := fmt.Sprintf("u%d", w.IntN(6))
	rid, known := uint32(0), false
	for r, a := range w.want.accounts {
		if a.Name == name {
			rid, known = r, true
		}
	}
	id := w.want.machine.WithRID(rid)
	switch w.IntN(4) {
	case 0:
		if known {
			return
		}
		a := Account{Name: name, RID: 7, FullName: "of " + name, Hash: "forged", Disabled: w.IntN(2) == 0,
			UID: number(w.Uint32N(9))}
		got := w.e.AddAccount(a)
		a.RID, a.Hash = w.want.next, ""
		w.want.accounts[a.RID] = a
		if want := w.want.machine.WithRID(w.want.next); got != want {
			w.Fatalf("an account is %v, want %v", got, want)
		}
		w.want.next++
		w.record("account created", name, got.String())
	case 1:
		err := w.e.DeleteAccount(w.randomCase(name))
		check.RequireThat(w, (err == nil) == known, "removing an account, known %t: error %v", known, err)
		if known {
			delete(w.want.accounts, rid)
			w.removeSID(id)
			w.record("account deleted", name, id.String())
		}
	default:
		disabled, full := w.IntN(2) == 0, fmt.Sprint(w.IntN(3))
		err := w.e.SetAccount(w.randomCase(name), func(a *Account) {
			a.Disabled, a.FullName, a.RID, a.Hash = disabled, full, 3, "forged"
		})
		check.RequireThat(w, (err == nil) == known, "an account changes, known %t: %v", known, err)
		if a := w.want.accounts[rid]; known {
			var changed []string
			if disabled != a.Disabled {
				changed = append(changed, map[bool]string{true: "disabled", false: "enabled"}[disabled])
			}
			if full != a.FullName {
				changed = append(changed, `full name "`+full+`"`)
			}
			a.Disabled, a.FullName = disabled, full
			w.want.accounts[rid] = a
			w.record("account changed", name, strings.Join(changed, ", "))
		}
	}
}

// group changes, adds or deletes a group.
func (w *editWorld) group() {
	w.Helper()
	id, member := w.randomSID(), w.randomSID()
	if all := slices.SortedFunc(maps.Keys(w.want.groups), sid.SID.Compare); w.IntN(3) > 0 {
		id = all[w.IntN(len(all))] // the first is a BUILTIN group
	}
	g, known := w.want.groups[id]
	switch w.IntN(6) {
	case 0:
		if len(w.want.groups) > 8 {
			return
		}
		name := fmt.Sprintf("g%d", w.want.next)
		got := w.e.AddGroup(Group{Name: name, SID: sid.Administrators, GID: number(w.want.next)})
		want := w.want.machine.WithRID(w.want.next)
		w.want.groups[want] = Group{Name: name, SID: want, GID: number(w.want.next)}
		w.want.next++
		if w.record("group created", name, want.String()); got != want {
			w.Fatalf("a group is %v, want %v", got, want)
		}
	case 1:
		err := w.e.DeleteGroup(id)
		if fine := known && id != sid.Users; (err == nil) != fine {
			w.Fatalf("removing group %v: error %v", id, err)
		} else if fine {
			delete(w.want.groups, id)
			w.removeSID(id)
			w.record("group deleted", g.Name, id.String())
		}
	case 2:
		if n := len(g.Members); n > 0 {
			member = g.Members[w.IntN(n)]
		}
		err := w.e.RemoveMember(id, member)
		check.RequireThat(w, (err == nil) == known, "removing a member of %v: error %v", id, err)
		if slices.Contains(g.Members, member) {
			g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m sid.SID) bool { return m == member })
			w.want.groups[id] = g
			w.record("member removed", g.Name, member.String())
		}
	default:
		if err := w.e.AddMember(id, member); (err == nil) != known {
			w.Fatalf("adding a member to %v: error %v", id, err)
		}
		if known && !slices.Contains(g.Members, member) {
			g.Members = append(slices.Clone(g.Members), member)
			w.want.groups[id] = g
			w.record("member added", g.Name, member.String())
		}
	}
}

// rights grants or revokes some.
func (w *editWorld) rights() {
	id := w.randomSID()
	p, r := w.drawnRights()
	g := w.want.grants[id]
	if w.IntN(2) == 0 {
		w.recordRights("right granted", id, p&^g.Privileges, r&^g.Rights)
		w.want.grants[id] = Grant{g.Privileges | p, g.Rights | r}
		w.e.Grant(id, p, r)
		return
	}
	w.recordRights("right revoked", id, p&g.Privileges, r&g.Rights)
	w.want.grants[id] = Grant{g.Privileges &^ p, g.Rights &^ r}
	if w.want.grants[id] == (Grant{}) {
		delete(w.want.grants, id)
	}
	w.e.Revoke(id, p, r)
}

// TestEditsMatchTheModel compares the state after random edits with a model. Each changed object has one record and
// no other object has one. The earlier state is unchanged (L-22, L-39).
func TestEditsMatchTheModel(t *testing.T) {
	first := check.Must(newInitialState(5))
	first.machine = sid.MustParse("S-1-5-21-1-2-3")
	first.groups = map[sid.SID]Group{sid.Users: first.groups[sid.Users]}
	first.grants, first.next = map[sid.SID]Grant{}, 1001
	w := &editWorld{T: t, Rand: rand.New(rand.NewPCG(randtest.Seed(t), 39)), want: first.clone()}
	now := first
	for history := range 40 {
		before, recorded := plainState(now), len(w.recorded)
		kept := now.clone()
		w.e = &Edit{st: now.clone(), by: "S-1-5-18"}
		for step := range 30 {
			switch w.IntN(4) {
			case 0:
				w.account()
			case 1:
				w.rights()
			default:
				w.group()
			}
			if got, want := plainState(w.e.st), plainState(w.want); got != want {
				t.Fatalf("history %d, step %d, %v:\n%s\nwant\n%s",
					history, step, w.recorded[max(0, len(w.recorded)-3):], got, want)
			}
		}
		if !reflect.DeepEqual(w.e.changes, w.recorded[recorded:]) && len(w.e.changes)+len(w.recorded[recorded:]) > 0 {
			t.Fatalf("L-22: history %d: records %v, want %v", history, w.e.changes, w.recorded[recorded:])
		}
		check.RequireThat(t, plainState(now) == before && plainState(kept) == before,
			"L-39: history %d changed the state from which it began", history)
		now = w.e.st
	}
	met := map[string]int{}
	for _, c := range w.recorded {
		met[c.What]++
	}
	for _, what := range []string{"account created", "account changed", "account deleted", "group created",
		"group deleted", "member added", "member removed", "right granted", "right revoked"} {
		check.That(t, met[what] >= 5, "%s: met %d times, want at least 5", what, met[what])
	}
}

// TestEditFindsTheAccountOfTheName checks that an edit changes the account that a logon with the name finds. The names
// of two accounts are equal only by strings.EqualFold: one has the Kelvin sign in place of K.
func TestEditFindsTheAccountOfTheName(t *testing.T) {
	e := &Edit{st: &state{accounts: map[uint32]Account{1001: {Name: "Kim", RID: 1001},
		1002: {Name: "\u212Aim", RID: 1002}}}}
	for range 32 { // a map has no order
		one, err := e.accountNamed("kIM")
		check.That(t, err == nil && one.RID == 1001, "kIM is %d, %v, want 1001", one.RID, err)
		other, err := e.accountNamed("\u212AIM")
		check.That(t, err == nil && other.RID == 1002, "the other is %d, %v, want 1002", other.RID, err)
	}
}

// TestConcurrentUpdatesAllCount checks that an update begins with the state that the update before it left (L-39).
func TestConcurrentUpdatesAllCount(t *testing.T) {
	f := open(t, nil)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			add := func(e *Edit) error { e.AddAccount(Account{Name: fmt.Sprint("u", i)}); return nil }
			check.Equal(t, f.Update(sid.LocalSystem, add), nil, "update %d", i)
		})
	}
	all.Wait()
	check.Equal(t, len(f.now.Load().accounts), 16, "L-39: accounts after 16 concurrent updates")
}

// TestChangedIsCalledAfterEachChange checks that Changed is called once after each change takes effect, and not for a
// read or a rejected change (M-2).
func TestChangedIsCalledAfterEachChange(t *testing.T) {
	var f *fixture
	var seen []bool // alice exists already
	f = open(t, func(c *Config) {
		c.Changed = func() {
			_, ok := f.LookupName("alice")
			seen = append(seen, ok)
		}
	})
	add := func(e *Edit) error { e.AddAccount(Account{Name: "alice"}); return nil }
	var empty bytes.Buffer
	check.NoError(t, f.Export(&empty))
	check.NoError(t, f.Update(sid.LocalSystem, add))
	check.That(t, f.Update(sid.LocalSystem, add) != nil, "a second alice was added")
	check.That(t, f.Update(sid.LocalSystem, func(*Edit) error { return errors.ErrUnsupported }) != nil, "want an error")
	check.NoError(t, f.Import(sid.LocalSystem, empty.Bytes()))
	check.That(t, f.Import(sid.LocalSystem, nil) != nil, "an empty file was imported")
	check.That(t, slices.Equal(seen, []bool{true, false}), "M-2: alice at each call: %v, want [true false]", seen)
}
