package main

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// accountName returns advice for a syntax error at an account's name where SDDL expects a SID, and "" for any other
// error (U-117). Rights that have no common word are printed as RIGHTS. The advice for an entry of the SACL names no
// command.
func accountName(e *sddl.SyntaxError) string {
	open := strings.LastIndexByte(e.Text[:e.Offset], '(')
	if shut := strings.LastIndexByte(e.Text[:e.Offset], ')'); open < 0 || shut > open {
		return ""
	}
	entry, _, _ := strings.Cut(e.Text[open+1:], ")")
	fields := strings.Split(entry, ";")
	end := open + 1 + len(entry)
	if len(fields) != 6 || end-len(fields[5]) > e.Offset || end <= e.Offset {
		return "" // the error is about another field, or the closing bracket
	}
	name := strings.TrimSpace(fields[5])
	if name == "" || strings.HasPrefix(strings.ToUpper(name), "S-") {
		return ""
	}
	verb, rights := "grant", "RIGHTS"
	switch strings.ToUpper(strings.TrimSpace(fields[0])) {
	case "D", "OD", "XD":
		verb = "deny"
	case "A", "OA", "XA", "ZA":
	default: // a grant would give the access that the entry only audits
		return "  SDDL names accounts by SID or alias. Write the SID: no command adds such an entry by name"
	}
	if r, err := acltree.ParseRights(fields[2]); err == nil {
		if granted := words.Granted(r.Allow, winnt.FileObject); len(granted) > 0 {
			rights = granted[0]
			for _, w := range granted {
				if all, err := acltree.ParseRights(w); err == nil && all.Allow == r.Allow {
					rights = w
				}
			}
		}
	}
	if strings.Contains(name, `\`) {
		name = "'" + name + ":" + rights + "'"
	} else {
		name += ":" + rights
	}
	return fmt.Sprintf("  SDDL names accounts by SID or alias. Write the SID, or use: refmon acl %s PATH %s", verb,
		inLine(name))
}
