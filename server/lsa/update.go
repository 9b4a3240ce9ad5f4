package lsa

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Edit is a set of changes that are committed together or not at all. It is valid only within
// [Store.Update].
type Edit struct {
	store   *Store
	st      *state
	by      string
	changes []Change
}

// Update runs f on a copy of the state and commits its changes in the name of the SID by. It
// validates the new state, passes each change to Config.Audit, writes the file, and only then
// publishes the state. After a nil error the changes survive a crash; an error changes nothing
// (L-39). If the disk fails twice, and the error says so, the changes may be in effect after the next start. Updates
// are serialized: f must not call Update.
func (s *Store) Update(by sid.SID, f func(*Edit) error) error {
	if err := s.edit(by, f); err != nil {
		return err
	}
	if s.cfg.Changed != nil {
		s.cfg.Changed()
	}
	return nil
}

// edit is Update without the call of Config.Changed.
func (s *Store) edit(by sid.SID, f func(*Edit) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	before := s.now.Load()
	e := &Edit{store: s, st: before.clone(), by: by.String()}
	if err := f(e); err != nil {
		return err
	}
	return s.publish(before, e)
}

// publish validates an edit, records its changes, writes the file and makes the new state current. After an error the
// old state stays current, but changes may be recorded. Without Config.Audit nothing is recorded.
// +checklocks:s.write
func (s *Store) publish(before *state, e *Edit) error {
	if err := e.st.valid(before, s.subids.Ranges()); err != nil {
		return err
	}
	for _, c := range e.changes {
		if s.cfg.Audit == nil {
			break
		}
		// A change that cannot be recorded does not happen (L-37).
		if err := s.cfg.Audit(c); err != nil {
			return fmt.Errorf("%s %s: not recorded, so not made: %w", c.What, c.Subject, err)
		}
	}
	if err := s.commit(before, e.st); err != nil {
		return fmt.Errorf("account store: %w", err)
	}
	e.st.index()
	s.now.Store(e.st)
	return nil
}

// note records one change of an edit for the audit records that Update writes.
func (e *Edit) note(what, subject, detail string) {
	e.changes = append(e.changes, Change{e.by, what, subject, detail})
}

// AddAccount adds an account with the next RID and returns its SID. It ignores a.RID and a.Hash: a new account
// has no password, so no password logs it on. Update, not AddAccount, rejects an invalid or duplicate name or
// uid.
func (e *Edit) AddAccount(a Account) sid.SID {
	a.RID, a.Hash = e.st.next, ""
	e.st.next++
	e.st.accounts[a.RID] = a
	e.note("account created", a.Name, e.st.machine.WithRID(a.RID).String())
	return e.st.machine.WithRID(a.RID)
}

// accountNamed finds the account with a name in the edited state. Case is ignored. An unknown name is an error.
func (e *Edit) accountNamed(name string) (Account, error) {
	// As in validName: strings.EqualFold takes more names for equal, such as one with the Kelvin sign in place of K.
	key := strings.ToUpper(name)
	for _, a := range e.st.accounts {
		if strings.ToUpper(a.Name) == key {
			return a, nil
		}
	}
	return Account{}, fmt.Errorf("account %q: no account has that name", clip(name))
}

// SetAccount calls change with a copy of the named account and stores the copy. It ignores changes of RID and
// Hash. An unknown name is an error, and change is not called. Update rejects a new name that is invalid or in
// use.
func (e *Edit) SetAccount(name string, change func(*Account)) error {
	a, err := e.accountNamed(name)
	if err != nil {
		return err
	}
	changed := a
	change(&changed)
	changed.RID, changed.Hash = a.RID, a.Hash
	e.st.accounts[a.RID] = changed
	e.note("account changed", a.Name, changeOf(&a, &changed))
	return nil
}

// SetPassword sets the password of an account. It waits for its turn to compute a hash. It fails for an unknown name,
// for an empty password or one over 1,024 bytes, and if too many logons wait. The error of an unknown name comes first.
func (e *Edit) SetPassword(name string, password logon.Secret) error {
	a, err := e.accountNamed(name)
	if err != nil {
		return err
	}
	if password == "" || len(password) > maxPassword {
		return fmt.Errorf("account %q: a password has 1 to %d bytes", a.Name, maxPassword)
	}
	if !e.store.throttle.hashing.Enter(context.Background(), "changes of passwords") {
		return fmt.Errorf("account %q: too many logons wait: try again", a.Name)
	}
	h, err := newHash(password, e.store.cfg.Password)
	e.store.throttle.hashing.Leave()
	if err != nil {
		return err
	}
	a.Hash = h.String()
	e.st.accounts[a.RID] = a
	e.note("password set", a.Name, "")
	return nil
}

// DeleteAccount removes an account, its memberships and its rights. Its RID is never reused. An unknown name is
// an error.
func (e *Edit) DeleteAccount(name string) error {
	a, err := e.accountNamed(name)
	if err != nil {
		return err
	}
	id := e.st.machine.WithRID(a.RID)
	delete(e.st.accounts, a.RID)
	e.forget(id)
	e.note("account deleted", a.Name, id.String())
	return nil
}

// forget removes every trace of a deleted account or group from other entries: its SID in all groups, and its grant. A
// SID without any is not an error. It does not remove the account.
func (e *Edit) forget(id sid.SID) {
	delete(e.st.grants, id)
	for k, g := range e.st.groups {
		if i := slices.Index(g.Members, id); i >= 0 {
			g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
			e.st.groups[k] = g
		}
	}
}

// AddGroup adds a local group with the next RID and returns its SID. It ignores g.SID. Add members
// with AddMember, which records each. Update rejects invalid or duplicate names.
func (e *Edit) AddGroup(g Group) sid.SID {
	g.SID = e.st.machine.WithRID(e.st.next)
	e.st.next++
	e.st.groups[g.SID] = g
	e.note("group created", g.Name, g.SID.String())
	return g.SID
}

// DeleteGroup removes a local group with its memberships and rights. A group of BUILTIN or an
// unknown SID is an error.
func (e *Edit) DeleteGroup(id sid.SID) error {
	g, ok := e.st.groups[id]
	if !ok || id.Prefix() != e.st.machine {
		return fmt.Errorf("group %v: this computer has no such group that can be deleted", id)
	}
	delete(e.st.groups, id)
	e.forget(id)
	e.note("group deleted", g.Name, id.String())
	return nil
}

// AddMember adds a SID to a group. If the SID is a member already, it does nothing. An unknown group is an
// error. It does not check that member exists; Update rejects the zero SID.
func (e *Edit) AddMember(group, member sid.SID) error {
	g, ok := e.st.groups[group]
	if !ok {
		return fmt.Errorf("group %v: no group has that SID", group)
	}
	if slices.Contains(g.Members, member) {
		return nil
	}
	g.Members = append(slices.Clone(g.Members), member)
	e.st.groups[group] = g
	e.note("member added", g.Name, member.String())
	return nil
}

// RemoveMember removes a SID from a group. If the SID is not a member, it does nothing. An unknown group is an
// error.
func (e *Edit) RemoveMember(group, member sid.SID) error {
	g, ok := e.st.groups[group]
	if !ok {
		return fmt.Errorf("group %v: no group has that SID", group)
	}
	if i := slices.Index(g.Members, member); i >= 0 {
		g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
		e.st.groups[group] = g
		e.note("member removed", g.Name, member.String())
	}
	return nil
}

// Grant adds privileges and logon rights to those of a SID. It records only the new ones. It does not check that
// the SID exists; Update rejects the zero SID.
func (e *Edit) Grant(to sid.SID, privileges winnt.PrivilegeSet, rights logon.Rights) {
	g := e.st.grants[to]
	e.noteRights("right granted", to, privileges&^g.Privileges, rights&^g.Rights)
	g.Privileges |= privileges
	g.Rights |= rights
	e.st.grants[to] = g
}

// Revoke removes privileges and logon rights from a SID. It ignores those that the SID does not have.
func (e *Edit) Revoke(from sid.SID, privileges winnt.PrivilegeSet, rights logon.Rights) {
	g := e.st.grants[from]
	e.noteRights("right revoked", from, privileges&g.Privileges, rights&g.Rights)
	g.Privileges &^= privileges
	g.Rights &^= rights
	if e.st.grants[from] = g; g == (Grant{}) {
		delete(e.st.grants, from)
	}
}

// noteRights records one change for each right, so that granting SeTcbPrivilege has a record of its
// own (L-22).
func (e *Edit) noteRights(what string, id sid.SID, privileges winnt.PrivilegeSet, rights logon.Rights) {
	for _, name := range append(privileges.Names(), rights.Names()...) {
		e.note(what, id.String(), name)
	}
}

// SetMaps replaces all id maps by a copy of all; nil removes them. Update rejects invalid and overlapping maps.
func (e *Edit) SetMaps(all []IDMap) {
	e.st.maps = slices.Clone(all)
	var names []string
	for _, m := range all {
		names = append(names, m.String())
	}
	e.note("id maps set", "id maps", strings.Join(names, ", "))
}
