package oracle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Word is a mask, a set of flags or a level. In JSON it is a string "0x…"; a
// number is read too.
type Word uint32

// MarshalJSON writes lower-case hexadecimal with 0x and no padding.
func (w Word) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"0x%x"`, uint32(w)), nil }

// UnmarshalJSON reads a string of hexadecimal with 0x, or a number. A number of more than 32 bits, a sign, and text
// without 0x are errors, which leave w unchanged.
func (w *Word) UnmarshalJSON(b []byte) error {
	text := string(b)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		if len(text) < 2 || !strings.EqualFold(text[:2], "0x") {
			return fmt.Errorf("mask %.40q: write hexadecimal with 0x, or a number", text)
		}
	}
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return fmt.Errorf("mask %.40q: write 32 bits in hexadecimal with 0x, or a number", text)
	}
	*w = Word(n)
	return nil
}

// Mapping has the rights that generic rights stand for.
type Mapping struct {
	Read    Word `json:"read"`
	Write   Word `json:"write"`
	Execute Word `json:"execute"`
	All     Word `json:"all"`
}

// File is the mapping of files, from winnt.h. Key is that of registry keys, Directory that of MS-ADTS 5.1.3.2.
var (
	File      = Mapping{0x120089, 0x120116, 0x1200A0, 0x1F01FF}
	Key       = Mapping{0x20019, 0x20006, 0x20019, 0xF003F}
	Directory = Mapping{0x20094, 0x20028, 0x20004, 0xF01FF}
)

// Map returns w with the four generic bits replaced by the rights that they stand for (S-11).
func (m Mapping) Map(w Word) Word {
	out := w & 0x0FFFFFFF
	for i, set := range [...]Word{m.All, m.Execute, m.Write, m.Read} {
		if w>>(28+i)&1 != 0 {
			out |= set &^ 0xF0000000
		}
	}
	return out
}

// Group is a group of a token. Attributes are SE_GROUP_*.
type Group struct {
	SID        string `json:"sid"`
	Attributes Word   `json:"attributes"`
}

// Privilege is a privilege that a token holds. Bit 0 of Attributes means enabled by default, bit 1 enabled.
type Privilege struct {
	Name       string `json:"name"`
	Attributes Word   `json:"attributes"`
}

// Claim is a claim attribute. Values are texts, as docs/kit.md lists them.
type Claim struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Values []string `json:"values"`
	Flags  Word     `json:"flags"`
}

// Token is the token of a question, in the form of docs/kit.md.
type Token struct {
	User           string      `json:"user"`
	UserAttributes Word        `json:"userAttributes,omitempty"`
	Groups         []Group     `json:"groups,omitempty"`
	Privileges     []Privilege `json:"privileges,omitempty"`

	Restricting     []string `json:"restricting,omitzero"`
	WriteRestricted bool     `json:"writeRestricted,omitempty"`

	Integrity       Word   `json:"integrity"`
	MandatoryPolicy Word   `json:"mandatoryPolicy"`
	Type            string `json:"type"`
	Level           int    `json:"level"`

	AppContainer string   `json:"appContainer,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	LowPrivilege bool     `json:"lowPrivilege,omitempty"`

	UserClaims   []Claim `json:"userClaims,omitempty"`
	DeviceClaims []Claim `json:"deviceClaims,omitempty"`
	DeviceGroups []Group `json:"deviceGroups,omitempty"`

	AuthenticationID Word   `json:"authenticationId,omitempty"`
	OriginatingLogon Word   `json:"originatingLogon,omitempty"`
	Elevation        string `json:"elevation,omitempty"`
}

// clone returns a copy of t with its own groups, privileges and restricting SIDs. It shares the other lists with t.
func (t *Token) clone() *Token {
	c := *t
	c.Groups, c.Privileges = slices.Clone(t.Groups), slices.Clone(t.Privileges)
	c.Restricting = slices.Clone(t.Restricting)
	return &c
}

// Attributes of groups.
const (
	mandatory = 0x1
	byDefault = 0x2
	enabled   = 0x4
	mayOwn    = 0x8
	denyOnly  = 0x10
	logonID   = 0xC0000000
)

// held reports whether the token has a privilege that is enabled.
func (t *Token) held(name string) bool {
	return slices.ContainsFunc(t.Privileges, func(p Privilege) bool { return p.Name == name && p.Attributes&2 != 0 })
}

// matches reports whether an entry for SID s applies to the user or a group. allow is true for an allow entry, which
// deny-only SIDs do not match.
func (t *Token) matches(s string, allow bool) bool {
	if t.User == s && (!allow || t.UserAttributes&denyOnly == 0) {
		return true
	}
	return matchGroups(t.Groups, s, allow)
}

// matchGroups reports whether list has s as an enabled group. A deny-only group counts only if allow is false,
// even if it is not enabled.
func matchGroups(list []Group, s string, allow bool) bool {
	return slices.ContainsFunc(list, func(g Group) bool {
		if g.Attributes&denyOnly != 0 {
			return g.SID == s && !allow
		}
		return g.SID == s && g.Attributes&enabled != 0
	})
}

// restricted reports whether the token has restricting SIDs; an empty list that is not nil restricts too.
func (t *Token) restricted() bool { return t.Restricting != nil }
