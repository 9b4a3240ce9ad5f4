package oracle

import (
	"fmt"
	"strings"
)

// Words says how a text names SIDs and rights. The zero value writes SIDs as S-1-… and masks in hexadecimal.
type Words struct {
	Aliases bool   // BA for S-1-5-32-544
	Letters bool   // FR or CCDC for masks
	Domain  string // with Aliases: the domain of DA, DU, …
}

// Aliases are SIDs with their two letters, MS-DTYP 2.5.1.1.
var Aliases = map[string]string{
	"S-1-1-0": "WD", "S-1-3-0": "CO", "S-1-3-1": "CG", "S-1-3-4": "OW", "S-1-5-2": "NU", "S-1-5-4": "IU",
	"S-1-5-6": "SU", "S-1-5-7": "AN", "S-1-5-9": "ED", "S-1-5-10": "PS", "S-1-5-11": "AU", "S-1-5-12": "RC",
	"S-1-5-18": "SY", "S-1-5-19": "LS", "S-1-5-20": "NS", "S-1-5-32-544": "BA", "S-1-5-32-545": "BU",
	"S-1-5-32-546": "BG", "S-1-5-32-547": "PU", "S-1-5-32-548": "AO", "S-1-5-32-549": "SO", "S-1-5-32-550": "PO",
	"S-1-5-32-551": "BO", "S-1-5-32-552": "RE", "S-1-5-32-554": "RU", "S-1-5-32-555": "RD", "S-1-5-32-556": "NO",
	"S-1-16-4096": "LW", "S-1-16-8192": "ME", "S-1-16-12288": "HI", "S-1-16-16384": "SI",
}

// DomainAliases are the last numbers of a domain's SIDs with their two letters, MS-DTYP 2.5.1.1.
var DomainAliases = map[string]string{"500": "LA", "501": "LG", "512": "DA", "513": "DU", "514": "DG", "515": "DC",
	"516": "DD", "517": "CA", "520": "PA"}

// sid returns the SDDL alias of a SID if Aliases is set and there is one, and otherwise s. Aliases of a domain
// need w.Domain.
func (w Words) sid(s string) string {
	if !w.Aliases {
		return s
	}
	if alias, ok := Aliases[s]; ok {
		return alias
	}
	if rid, ok := strings.CutPrefix(s, w.Domain+"-"); ok && w.Domain != "" {
		if alias, ok := DomainAliases[rid]; ok {
			return alias
		}
	}
	return s
}

// RightLetters are the rights of one bit in the order of S-39, MS-DTYP 2.5.1.1. WholeRights have the mask of a name.
var (
	RightLetters = []struct {
		Name string
		Mask Word
	}{{"CC", 0x1}, {"DC", 0x2}, {"LC", 0x4}, {"SW", 0x8}, {"RP", 0x10}, {"WP", 0x20}, {"DT", 0x40}, {"LO", 0x80},
		{"CR", 0x100}, {"SD", 0x10000}, {"RC", 0x20000}, {"WD", 0x40000}, {"WO", 0x80000}, {"GA", 0x10000000},
		{"GX", 0x20000000}, {"GW", 0x40000000}, {"GR", 0x80000000}}
	WholeRights = []struct {
		Name string
		Mask Word
	}{{"FA", 0x1F01FF}, {"FR", 0x120089}, {"FW", 0x120116}, {"FX", 0x1200A0}, {"KA", 0xF003F}, {"KR", 0x20019},
		{"KW", 0x20006}}
)

// rights returns the text of an entry's mask (S-39): hexadecimal without w.Letters. With w.Letters the first that
// fits is used: a label's policy, the name of the whole mask, letters, hexadecimal. A mask of 0 is "" with letters,
// and always for attributes and policies.
func (w Words) rights(a *ACE) string {
	if a.Mask == 0 && (w.Letters || a.Type == ResourceAttribute || a.Type == ScopedPolicy) {
		return ""
	}
	if !w.Letters {
		return fmt.Sprintf("0x%x", uint32(a.Mask))
	}
	if a.Type == MandatoryLabel && a.Mask < 8 {
		return []string{"", "NW", "NR", "NWNR", "NX", "NWNX", "NRNX", "NWNRNX"}[a.Mask]
	}
	for _, r := range WholeRights {
		if r.Mask == a.Mask {
			return r.Name
		}
	}
	var out strings.Builder
	left := a.Mask
	for _, r := range RightLetters {
		if left&r.Mask != 0 {
			out.WriteString(r.Name)
			left &^= r.Mask
		}
	}
	if left != 0 {
		return fmt.Sprintf("0x%x", uint32(a.Mask))
	}
	return out.String()
}
