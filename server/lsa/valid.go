package lsa

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// Limits of a store.
const (
	maxAccounts = 1 << 20
	maxGroups   = 1 << 18
	maxMembers  = 1 << 20 // members of one group
	maxMaps     = 64
	maxNameRune = 256 // characters of a name, as in NT
)

// valid returns the first error in the new state s, or nil. before is the state that s replaces. The order is
// accounts by RID, groups by SID, rights, maps. An overlap with subordinate ids and a reserved name are errors only in
// a changed entry, because ids may become subordinate later, and older stores may have such a name.
func (s *state) valid(before *state, subordinate []fileaccess.SubIDs) error {
	if s.machine.Authority() != 5 || s.machine.SubAuthorities() != 4 || s.machine.Sub(0) != 21 {
		return fmt.Errorf("%v is not a SID of a machine: want S-1-5-21-x-y-z", s.machine)
	}
	if len(s.accounts) > maxAccounts || len(s.groups) > maxGroups || len(s.maps) > maxMaps {
		return fmt.Errorf("%d accounts, %d groups, %d maps: at most %d, %d and %d", len(s.accounts), len(s.groups),
			len(s.maps), maxAccounts, maxGroups, maxMaps)
	}
	names, uids, gids := map[string]bool{}, map[uint32]string{}, map[uint32]string{}
	for _, rid := range slices.Sorted(maps.Keys(s.accounts)) {
		a := s.accounts[rid]
		ranges := subordinate
		old, was := before.accounts[rid]
		if was && sameID(old.UID, a.UID) {
			ranges = nil
		}
		if !was || old.Name != a.Name {
			if err := unreserved(a.Name); err != nil {
				return err
			}
		}
		if err := s.validAccount(&a, rid, names, uids, ranges); err != nil {
			return fmt.Errorf("account %q: %w", clip(a.Name), err)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.groups), sid.SID.Compare) {
		g := s.groups[id]
		ranges := subordinate
		old, was := before.groups[id]
		if was && sameID(old.GID, g.GID) {
			ranges = nil
		}
		if id.Prefix() == s.machine && (!was || old.Name != g.Name) {
			if err := unreserved(g.Name); err != nil {
				return err
			}
		}
		if err := s.validGroup(&g, id, names, gids, ranges); err != nil {
			return fmt.Errorf("group %q: %w", clip(g.Name), err)
		}
	}
	for id := range s.grants {
		if id.IsZero() {
			return fmt.Errorf("rights without a SID")
		}
	}
	return s.validMaps(before, subordinate)
}

// validAccount returns an error for an account with an invalid or repeated name, RID, hash or uid. The RID must equal
// rid and be assigned, or 500 to 1000 except noneRID. Hash and uid may be missing. names and uids are those of
// earlier accounts; valid ones are added.
func (s *state) validAccount(a *Account, rid uint32, names map[string]bool, uids map[uint32]string,
	subordinate []fileaccess.SubIDs) error {
	if err := validName(a.Name, names); err != nil {
		return err
	}
	if a.RID != rid || rid < 500 || rid == noneRID || rid >= s.next && rid >= firstRID {
		return fmt.Errorf("RID %d: want one from %d to %d", rid, firstRID, s.next-1)
	}
	if a.Hash != "" {
		if _, err := parseHash(a.Hash); err != nil {
			return err
		}
	}
	if a.UID == nil {
		return nil
	}
	return validID("uid", *a.UID, a.Name, uids, subordinate)
}

// validGroup returns an error for a group with an invalid name, SID, gid or member, or too many members. The SID must
// be of BUILTIN, or of this machine with an assigned RID. The gid may be missing. names and gids are those of earlier
// groups and must not repeat; valid ones are added.
func (s *state) validGroup(g *Group, id sid.SID, names map[string]bool, gids map[uint32]string,
	subordinate []fileaccess.SubIDs) error {
	if err := validName(g.Name, names); err != nil {
		return err
	}
	builtin := id.Authority() == 5 && id.SubAuthorities() == 2 && id.Sub(0) == 32
	local := id.Prefix() == s.machine && id.RID() >= firstRID && id.RID() < s.next
	if g.SID != id || !builtin && !local {
		return fmt.Errorf("SID %v: want one of BUILTIN, or of this machine with a RID from %d to %d", id, firstRID,
			s.next-1)
	}
	if _, twice := s.accounts[id.RID()]; local && twice {
		return fmt.Errorf("SID %v is an account's", id)
	}
	if len(g.Members) > maxMembers {
		return fmt.Errorf("%d members: at most %d", len(g.Members), maxMembers)
	}
	for _, m := range g.Members {
		if m.IsZero() {
			return fmt.Errorf("a member without a SID")
		}
	}
	if g.GID == nil {
		return nil
	}
	return validID("gid", *g.GID, g.Name, gids, subordinate)
}

// validName returns an error for a malformed name, or a name in names in any case. It adds a valid name to names. A
// name has 1 to maxNameRune characters, no special character, no blank at an end, and not only dots.
func validName(name string, names map[string]bool) error {
	key := strings.ToUpper(name)
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxNameRune || !utf8.ValidString(name):
		return fmt.Errorf("a name has 1 to %d characters in UTF-8", maxNameRune)
	case strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`) || strings.ContainsFunc(name, unicode.IsControl) ||
		strings.TrimSpace(name) != name || strings.Trim(name, ".") == "":
		return fmt.Errorf(`a name has none of "/\[]:;|=,+*?<>@, no control characters, no blank at an end`)
	case names[key]:
		return fmt.Errorf("another account or group has this name")
	}
	names[key] = true
	return nil
}

// unreserved returns an error for a new name that a lookup would take for something else: a well-known name or a SID
// (L-13). An account with the name Everyone would lend it to entries that mean all users.
func unreserved(name string) error {
	if a, known := logon.WellKnownName(name); known {
		return fmt.Errorf("name %q: it is the well-known name of %v: choose another name", clip(name), a.SID)
	}
	if _, err := sid.Parse(name); err == nil {
		return fmt.Errorf("name %q: it reads as a SID: choose another name", clip(name))
	}
	return nil
}

// validID returns an error for a uid or gid that no account or group may have (L-23). It adds a valid id to taken.
// Errors are uid 0 (but not gid 0), Unmapped, the highest number, an id in taken and a subordinate id.
func validID(what string, id uint32, name string, taken map[uint32]string, subordinate []fileaccess.SubIDs) error {
	other, twice := taken[id]
	switch {
	case id == 0 && what == "uid":
		return fmt.Errorf("uid 0: name the account in the configuration (root:)")
	case id == Unmapped || id == ^uint32(0):
		return fmt.Errorf("%s %d stands for every user without a number", what, id)
	case twice:
		return fmt.Errorf("%s %d is that of %q", what, id, other)
	}
	for _, r := range subordinate {
		if r.Overlaps(id, id) {
			return fmt.Errorf("%s %d is a subordinate id (%v)", what, id, r)
		}
	}
	taken[id] = name
	return nil
}
