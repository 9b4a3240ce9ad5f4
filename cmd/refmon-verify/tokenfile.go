package main

import (
	"slices"
	"strings"
)

// token holds the parts of a token file that a decision needs.
type token struct {
	members         map[string]byte     // allows and denies, by pass and SID
	claims          map[string]*operand // by pass, field of the file and name
	privileges      map[string]bool     // those that are enabled
	restricted      bool
	writeRestricted bool
	noWriteUp       bool
	level           uint64 // of integrity
	pkg             string // of an AppContainer; "": none
	trust           string // trust level
}

// Bits of members: a SID counts for entries that allow, and for entries that deny.
const (
	allows byte = 1
	denies byte = 2
)

// Attributes of a group or privilege. A token file writes them as words.
const (
	mandatory   = 0x01
	byDefault   = 0x02
	enabled     = 0x04
	forDenyOnly = 0x10
	integrity   = 0x20
	other       = 0x100 // attributes that decide nothing; a capability that has only these is disabled
)

var attributes = map[any]uint64{"Mandatory": mandatory, "Enabled": enabled, "UseForDenyOnly": forDenyOnly,
	"Integrity": integrity}

// named is an element of a list in a token file: a name, or an object with the name and attributes.
type named struct {
	name       string
	attributes uint64
}

// elements returns the elements of a list. An object has its name under key. An element without attributes gets those
// in absent.
func elements(list any, key string, absent uint64) (all []named) {
	for _, v := range as[[]any](list) {
		object := as[map[string]any](v)
		e := named{as[string](v) + as[string](object[key]), absent}
		if object["attributes"] != nil {
			e.attributes = 0
		}
		for _, word := range as[[]any](object["attributes"]) {
			if bits := attributes[word]; bits != 0 {
				e.attributes |= bits
			} else {
				e.attributes |= other
			}
		}
		all = append(all, e)
	}
	return all
}

// parseToken reads a token file. Absent fields have the defaults of the format. It panics for a malformed file.
func parseToken(text string) *token {
	f := parseObject("token", text, tokenShape)
	t := &token{members: map[string]byte{}, claims: map[string]*operand{}, privileges: map[string]bool{},
		restricted:      as[bool](f["restricted"]) || len(as[[]any](f["restrictedSids"])) > 0,
		writeRestricted: as[bool](f["writeRestricted"])}
	domain := domainOf(f)
	t.level = sub(parseSID(levelOf(f), ""), 0)
	t.parseMembers(f, domain)
	for _, p := range elements(f["privileges"], "name", enabled) {
		if p.attributes&enabled != 0 {
			t.privileges[p.name] = true
		}
	}
	t.noWriteUp = f["mandatoryPolicy"] == nil || slices.Contains(as[[]any](f["mandatoryPolicy"]), any("NoWriteUp"))
	t.trust = strings.Repeat("\x00", 16) // without a trust level, type and level are 0
	if f["trustLevel"] != nil {
		if trust := parseSID(as[string](f["trustLevel"]), domain); trust[1] == 2 {
			t.trust = trust
		}
	}
	for _, name := range []string{"UserClaims", "DeviceClaims", "LocalAttributes"} {
		own := strings.ToLower(name[:1]) + name[1:]
		left := f["restricted"+name] // the claims that an earlier filter left
		if left == nil {
			left = f[own]
		}
		t.parseClaims(own, f[own], domain)
		t.parseClaims("restricted"+own, left, domain)
	}
	return t
}

// domainOf returns the domain of the aliases in a token file: its own field, or the user's domain.
func domainOf(f map[string]any) string {
	domain := as[string](f["domain"])
	user := elements([]any{f["user"]}, "sid", 0)[0].name
	if domain == "" && strings.HasPrefix(user, "S-1-5-21-") {
		domain = user[:strings.LastIndexByte(user, '-')]
	}
	return domain
}

// levelOf returns the SID of the integrity level in a token file. Medium is the default.
func levelOf(f map[string]any) string {
	if f["integrityLevel"] == nil {
		return "ME"
	}
	switch level := as[string](f["integrityLevel"]); level {
	case "Untrusted", "None":
		return "S-1-16-0"
	case "Low":
		return "LW"
	case "Medium":
		return "ME"
	case "MediumPlus":
		return "MP"
	case "High":
		return "HI"
	case "System":
		return "SI"
	case "Protected":
		return "S-1-16-20480"
	default:
		return level
	}
}

// parseMembers adds the user and the groups of a token file, the restricting SIDs, those of the device, and the
// package's side of an AppContainer. An integrity level among the groups sets t.level.
func (t *token) parseMembers(f map[string]any, domain string) {
	const logon = mandatory | byDefault | enabled // default attributes of a group
	user := elements([]any{f["user"]}, "sid", 0)[0]
	user.attributes |= enabled
	for _, m := range append([]named{user}, elements(f["groups"], "sid", logon)...) {
		id := parseSID(m.name, domain)
		if m.attributes&integrity != 0 {
			t.level = sub(id, 0)
			continue
		}
		t.add("", id, m.attributes, enabled|mandatory, enabled|mandatory|forDenyOnly)
	}
	for _, m := range elements(f["restrictedSids"], "sid", logon) {
		t.add("restricted", parseSID(m.name, domain), m.attributes|enabled, enabled, enabled|forDenyOnly)
	}
	for _, m := range elements(f["deviceGroups"], "sid", logon) {
		t.add("device", parseSID(m.name, domain), m.attributes, enabled, enabled|forDenyOnly)
	}
	for _, m := range elements(f["restrictedDeviceGroups"], "sid", logon) {
		t.add("restricteddevice", parseSID(m.name, domain), m.attributes|enabled, enabled, enabled|forDenyOnly)
	}
	box := as[map[string]any](f["appContainer"])
	if box == nil {
		return
	}
	t.pkg = parseSID(box["packageSid"].(string), domain)
	t.add("package", t.pkg, enabled, enabled, enabled)
	t.add("package", parseSID("S-1-15-2-2", ""), enabled, enabled, enabled) // all restricted packages
	if !as[bool](box["lowPrivilege"]) {
		t.add("package", parseSID("AC", ""), enabled, enabled, enabled) // all packages
	}
	for _, m := range elements(box["capabilities"], "sid", enabled) {
		if m.attributes == 0 {
			m.attributes = enabled
		}
		t.add("package", parseSID(m.name, domain), m.attributes, enabled, enabled)
	}
}

// add adds a SID with its attributes to one side of the token, pass. It counts for entries that allow with one of the
// attributes allow, unless it is for deny only, and for those that deny with one of the attributes deny.
func (t *token) add(pass, sid string, attributes, allow, deny uint64) {
	if attributes&allow != 0 && attributes&forDenyOnly == 0 {
		t.members[pass+sid] |= allows
	}
	if attributes&deny != 0 {
		t.members[pass+sid] |= denies
	}
}
