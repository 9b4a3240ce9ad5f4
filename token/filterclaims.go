package token

import (
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// applyExtended applies the parameters that only NtFilterTokenEx has: those for claims and device groups (T-67).
func (w *filtered) applyExtended(spec *FilterSpec) {
	b := w.b
	// Dropping comes first, so that disabling and restricting find no claims.
	if spec.DropUserClaims && (b.userClaims != nil || b.restrictedUser.Len() > 0) {
		b.userClaims, b.restrictedUser, w.effect = nil, nil, true
	}
	if spec.DropDeviceClaims && (b.deviceClaims != nil || b.restrictedDeviceClaims.Len() > 0) {
		b.deviceClaims, b.restrictedDeviceClaims, w.effect = nil, nil, true
	}
	// The restricted pass may have a list of its own, from an earlier filter: a claim is absent there too (T-67).
	b.userClaims = w.disableClaims(b.userClaims, spec.DisableUserClaims)
	b.restrictedUser = w.disableClaims(b.restrictedUser, spec.DisableUserClaims)
	b.deviceClaims = w.disableClaims(b.deviceClaims, spec.DisableDeviceClaims)
	b.restrictedDeviceClaims = w.disableClaims(b.restrictedDeviceClaims, spec.DisableDeviceClaims)
	w.disableDevice(spec.DisableDevice)
	w.restrictDevice(spec.RestrictDevice)
	b.restrictedUser = w.restrictClaims(b.userClaims, b.restrictedUser, spec.RestrictUserClaims)
	b.restrictedDeviceClaims = w.restrictClaims(b.deviceClaims, b.restrictedDeviceClaims, spec.RestrictDeviceClaims)
}

// disableDevice makes the device's groups with one of the SIDs deny-only, as disable does with those of the user. A
// device that was refused something stays refused (T-67).
func (w *filtered) disableDevice(sids []sid.SID) {
	if len(sids) == 0 || w.b.device == nil {
		return
	}
	gs := collect(w.b.device.all)
	for i, g := range gs {
		if slices.Contains(sids, g.SID) {
			// A group that is deny-only already has nothing to be taken (T-64).
			w.effect = w.effect || g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0
			gs[i].Attributes = g.Attributes&^(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_ENABLED_BY_DEFAULT) |
				winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
	}
	w.b.device = newList(gs)
}

// restrictDevice sets the restricting SIDs of the device, which the restricted pass sees in place of its groups. If
// there are some already, the intersection remains, so that no filter restores a group (T-67). An empty list changes
// nothing.
func (w *filtered) restrictDevice(list []Group) {
	if len(list) == 0 {
		return
	}
	gs := withAttributes(list, groupForce)
	if old := w.b.restrictedDevice; old != nil {
		gs = intersect(gs, old.set)
	}
	w.b.restrictedDevice = newPresentList(gs) // an empty one stays a list (T-63)
	w.effect = true
}

// disableClaims returns the claims of set with those of these names disabled, mandatory or not, as a filter does with
// groups (T-61). A disabled claim counts as absent. If nothing changes, it returns set.
func (w *filtered) disableClaims(set *claims.Set, names []string) *claims.Set {
	var out []claims.Attribute
	changed := false
	for _, a := range set.All() {
		if hasName(names, a.Name) {
			flags := a.Flags&^claims.FlagMandatory | claims.FlagDisabled | claims.FlagDisabledByDefault
			// A claim that was disabled now also loses its default, so that no reset enables it (T-67).
			changed, a.Flags = changed || a.Flags != flags, flags
		}
		out = append(out, a)
	}
	if !changed {
		return set
	}
	n, err := claims.NewSet(out)
	if err != nil { // cannot be: only flags changed
		return nil
	}
	w.effect = true
	return n
}

// restrictClaims returns the claims that conditions see for the restricting SIDs. These are the claims in own with
// one of the names, and also in earlier if it is not nil (T-63). With nil names the result is earlier. With an empty
// list it has no claims.
func (w *filtered) restrictClaims(own, earlier *claims.Set, names []string) *claims.Set {
	// Without a list an earlier restriction remains; an empty list allows nothing (T-67).
	if names == nil {
		return earlier
	}
	var out []claims.Attribute
	for _, a := range own.All() {
		if _, ok := earlier.Lookup(a.Name); hasName(names, a.Name) && (earlier == nil || ok) {
			out = append(out, a)
		}
	}
	n, err := claims.NewSet(out)
	// Part of a valid set is valid; were it not, the restricted pass would see no
	// claims rather than all of them.
	if err != nil {
		n = &claims.Set{}
	}
	w.effect = true
	return n
}

// hasName reports whether names has a claim name, ignoring case.
func hasName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return claims.EqualName(n, name) })
}
