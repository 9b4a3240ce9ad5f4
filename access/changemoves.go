package access

import (
	"fmt"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// movesFor returns the single changes that could turn the denial of r into a grant, and all ACEs that they insert.
// [Changes] tries them in this order: join a group, get a privilege, lift a limit of the token, change the object.
func movesFor(r *Request) ([]move, []sd.ACE) {
	moves := append(groupMoves(r), privilegeMoves(r)...)
	moves = append(moves, limitMoves(r)...)
	moves = append(moves, dropMoves(r)...)
	puts, aces := insertMoves(r)
	return append(moves, puts...), aces
}

// fixed returns a function that returns text, for a move whose text needs no formatting.
func fixed(text string) func() string { return func() string { return text } }

// limitMoves returns the steps that remove a limit of the token: a higher integrity level, no restricting SIDs, no
// AppContainer.
func limitMoves(r *Request) (moves []move) {
	t := r.Subject.Effective()
	q := query{r: r}
	q.sacl.set(r.Descriptor.SACL())
	if rid, _, _ := q.label(); t.Integrity() < rid {
		what := fixed("raise the token's integrity level to " + token.IntegrityName(rid))
		// The integrity level is among the groups or in its own field. Raising it removes the first and sets the
		// second (T-4).
		moves = append(moves, move{what: what, change: func(s *token.Spec) {
			for i, g := range s.Groups {
				if g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
					s.Groups = append(s.Groups[:i], s.Groups[i+1:]...)
					break
				}
			}
			s.Integrity = sid.IntegrityLevel(rid)
		}})
	}
	if t.IsRestricted() {
		moves = append(moves, move{what: fixed("use a token that is not restricted"), change: func(s *token.Spec) {
			s.Restricted, s.IsRestricted, s.WriteRestricted = nil, false, false
		}})
	}
	if t.IsAppContainer() {
		moves = append(moves, move{what: fixed("leave the AppContainer"), change: func(s *token.Spec) {
			s.Package, s.Capabilities, s.LowPrivilege, s.LowBoxNumber = sid.SID{}, nil, false, 0
		}})
	}
	return moves
}

// groupMoves returns the steps that add a SID to the token: the owner, and each SID that an allow ACE of the DACL
// names. It leaves out SIDs that the token already has enabled, and returns at most maxGroups steps.
func groupMoves(r *Request) (moves []move) {
	// Two SIDs are placeholders, not groups that a user can join.
	t, seen := r.Subject.Effective(), map[sid.SID]bool{sid.OwnerRights: true, sid.PrincipalSelf: true}
	add := func(s sid.SID) {
		if s.IsZero() || seen[s] || t.Member(s, false) || len(moves) == maxGroups {
			return
		}
		seen[s] = true
		what := "make the user a member of " + named(s)
		if t.SIDs().Find(s.Hash(), s) >= 0 {
			what = "enable " + named(s) + ", which the token holds disabled or for deny only"
		}
		moves = append(moves, move{what: fixed(what), change: func(spec *token.Spec) { enableIn(spec, s) }})
	}
	for _, e := range r.Descriptor.DACL().Entries() {
		if e.Kind.IsAllow() && e.Flags&sd.InheritOnly == 0 {
			add(e.SID)
		}
	}
	add(r.Descriptor.Owner())
	return moves
}

// enableIn enables SID s in a token specification: the user, a group that it already has, or else a new group. The
// token keeps its integrity level, which the specification also has in its own field.
func enableIn(spec *token.Spec, s sid.SID) {
	if spec.User.SID == s {
		spec.User.Attributes = 0
		return
	}
	for i := range spec.Groups {
		if g := &spec.Groups[i]; g.SID == s {
			// The group may be the token's default owner, which must keep the attribute (T-11).
			g.Attributes = g.Attributes&winnt.SE_GROUP_OWNER | token.GroupDefault
			return
		}
	}
	spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
}

// privilegeMoves returns the steps that enable a privilege which can affect an access check and is not enabled in the
// token. Backup and restore are among them only if the request declares that intent.
func privilegeMoves(r *Request) (moves []move) {
	t := r.Subject.Effective()
	// Backup and restore help only a caller that declares the intent.
	looked := []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege}
	if r.Intent.Backup {
		looked = append(looked, winnt.SeBackupPrivilege)
	}
	if r.Intent.Restore {
		looked = append(looked, winnt.SeRestorePrivilege)
	}
	for _, p := range looked {
		if t.Has(p) {
			continue
		}
		what := "give the token " + p.String() + ", enabled"
		if t.Present().Has(p) {
			what = "enable " + p.String() + ", which the token holds disabled"
		}
		moves = append(moves, move{what: fixed(what), change: func(s *token.Spec) {
			s.Privileges |= p.Bit()
			s.EnabledPrivileges |= p.Bit()
		}})
	}
	return moves
}

// dropMoves returns the changes that remove one ACE of the object. Inherit-only ACEs are left out. The result has at
// most maxDropped changes.
//   - DACL: at most maxDrops deny ACEs, those that may apply to the token first
//   - SACL: mandatory labels, trust labels, access filters and policy ids
func dropMoves(r *Request) (moves []move) {
	d, t := r.Descriptor, r.Subject.Effective()
	deny := d.DACL().Entries()
	for _, met := range [...]bool{true, false} {
		for i := range deny {
			e := &deny[i]
			if !e.Kind.IsDeny() || e.Flags&sd.InheritOnly != 0 || mayApply(t, r, e) != met || len(moves) == maxDrops {
				continue
			}
			moves = append(moves, move{
				// The entry is blanked, not removed: the others keep their indexes, by
				// which steps and reasons name them.
				what: func() string { return fmt.Sprintf("drop DACL entry %d %s", i+1, printed(r.Type, d.DACL().At(i))) },
				do:   func(x *trial) { x.dacl[len(x.put)+i] = blank },
				undo: func(x *trial) { x.dacl[len(x.put)+i] = x.own[i] },
			})
		}
	}
	limits := d.SACL().Entries()
	for i := range limits {
		switch e := &limits[i]; e.Kind {
		case sd.SystemMandatoryLabel, sd.SystemProcessTrustLabel, sd.SystemAccessFilter, sd.SystemScopedPolicyID:
			if e.Flags&sd.InheritOnly != 0 || len(moves) >= maxDropped {
				continue
			}
			moves = append(moves, move{
				what: func() string { return fmt.Sprintf("drop SACL entry %d %s", i+1, printed(r.Type, d.SACL().At(i))) },
				do:   func(x *trial) { x.sacl[i] = blank },
				undo: func(x *trial) { x.sacl[i] = limits[i] },
			})
		}
	}
	return moves
}

// mayApply reports whether an ACE may apply to the token, without evaluating conditions.
//   - ACE with a condition, an object type or other extra data: true
//   - enabled, deny-only or restricting SID of the token: true
//   - package or capability SID, for an AppContainer: true
func mayApply(t *token.Token, r *Request, entry *sd.Entry) bool {
	s := Substitute(entry.SID, r.Self, r.Descriptor.Owner())
	return entry.Aux != -1 || t.Member(s, true) || t.RestrictedDenySet().Find(s.Hash(), s) >= 0 ||
		t.IsAppContainer() && s.Authority() == sid.AllAppPackages.Authority()
}

// insertMoves returns the changes that insert allow ACEs for the requested rights at the front of the DACL, and those
// ACEs. There is one change each for the user, the first restricting SID and the AppContainer's package. Without a
// DACL both results are nil. ACEs that do not fit are left out.
func insertMoves(r *Request) (moves []move, inserted []sd.ACE) {
	if !r.Descriptor.HasDACL() {
		return nil, nil
	}
	t := r.Subject.Effective()
	// Bits that no entry can grant are left out; MAXIMUM_ALLOWED alone leaves
	// nothing, and then an entry that reads is proposed.
	mask := r.mapping().Map(r.Desired) &^ ungranted
	if mask == 0 {
		mask = r.mapping().Read
	}
	// A restricted token needs an entry in each pass, an AppContainer one for its
	// package: all of them can be put together.
	trustees := []sid.SID{t.User().SID}
	if t.IsRestricted() && t.RestrictedSet().Len() > 0 {
		trustees = append(trustees, t.RestrictedSet().At(0))
	}
	if t.IsAppContainer() {
		trustees = append(trustees, t.Package())
	}
	for _, s := range trustees {
		aces := allowACEs(r, mask, s)
		// A list that is full takes no further entry, and a proposal that cannot be
		// carried out is not an answer. All entries fit together, because one change can have several steps.
		if len(aces) == 0 || !fits(r.Descriptor.DACL(), append(inserted, aces...)) {
			continue
		}
		from, to := len(inserted), len(inserted)+len(aces)
		inserted = append(inserted, aces...)
		text := "put "
		for _, a := range aces {
			text += printed(r.Type, a)
		}
		moves = append(moves, move{
			what: fixed(text + " before the other entries"),
			do:   func(x *trial) { copy(x.dacl[from:to], x.put[from:to]) },
			undo: func(x *trial) {
				for i := from; i < to; i++ {
					x.dacl[i] = blank
				}
			},
		})
	}
	return moves, inserted
}

// allowACEs returns the ACEs that grant a trustee the rights and nothing more. Directory rights that depend on an
// object type get one ACE for each leaf of the request's type list. If the list has more than maxTypes
// leaves, the result is nil.
func allowACEs(r *Request, rights winnt.AccessMask, trustee sid.SID) (aces []sd.ACE) {
	// A directory right in an ACE without a type would apply to all types.
	typed := rights & typedRights
	var leaves []winnt.GUID
	for i, e := range r.ObjectTypes {
		if i+1 == len(r.ObjectTypes) || r.ObjectTypes[i+1].Level <= e.Level {
			leaves = append(leaves, e.GUID)
		}
	}
	if typed == 0 || len(leaves) == 0 || len(leaves) == 1 && leaves[0] == (winnt.GUID{}) {
		typed, leaves = 0, nil
	}
	if len(leaves) > maxTypes {
		return nil
	}
	for i := range leaves {
		a, err := sd.NewACE(sd.AccessAllowedObject, 0, typed, trustee, sd.ACEExtra{ObjectType: &leaves[i]})
		if err != nil {
			return nil
		}
		aces = append(aces, a)
	}
	if plain := rights &^ typed; plain != 0 {
		a, err := sd.NewACE(sd.AccessAllowed, 0, plain, trustee)
		if err != nil {
			return nil
		}
		aces = append(aces, a)
	}
	return aces
}

// typedRights are the rights of a directory object that an entry can limit to an object type.
const typedRights = winnt.ADS_RIGHT_DS_CREATE_CHILD | winnt.ADS_RIGHT_DS_DELETE_CHILD | winnt.ADS_RIGHT_DS_SELF |
	winnt.ADS_RIGHT_DS_READ_PROP | winnt.ADS_RIGHT_DS_WRITE_PROP | winnt.ADS_RIGHT_DS_CONTROL_ACCESS

// fits reports whether an ACL has room for more ACEs within the maximum size of an ACL. Slack in the list counts as
// used (S-17).
func fits(l *sd.ACL, more []sd.ACE) bool {
	size := l.Size()
	for _, a := range more {
		size += len(a.Binary())
	}
	return size <= sd.MaxACLSize
}

// printed returns an ACE as SDDL text, with the rights of the object type. If SDDL cannot express the ACE, it returns
// the name of the ACE's type.
func printed(objectType *winnt.ObjectType, ace sd.ACE) string {
	text, err := sddl.FormatACE(ace, sddl.Options{Extended: true})
	if err != nil {
		return ace.Type().String()
	}
	return sddlFor(objectType, ace, text)
}

// named returns the SID, followed by its well-known name if it has one.
func named(s sid.SID) string {
	if n := sid.Name(s); n != "" {
		return s.String() + " (" + n + ")"
	}
	return s.String()
}
