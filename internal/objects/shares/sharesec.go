package shares

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// maxEntries limits the entries of a share's descriptor.
const maxEntries = 1 << 12

// IsSecurity reports whether a file is output of sharesec -v or --view-all: its first line that is neither empty nor
// a section is REVISION. It is false for an empty file.
func IsSecurity(file []byte) bool {
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "[") {
			return strings.HasPrefix(line, "REVISION:")
		}
	}
	return false
}

// ParseSecurity parses the output of sharesec -v, or the part of sharesec --view-all about a share. The name may be ""
// if the file has exactly one share; its case does not matter. The descriptor has a DACL alone. An unknown share, a
// malformed line and names in place of SIDs are errors. So are more than maxEntries entries, and several shares without
// a name. Each REVISION line counts as a share.
func ParseSecurity(file []byte, name string) (*sd.Descriptor, error) {
	var entries []sd.ACE
	n, blocks, in := 0, 0, ""
	found := false
	for line := range strings.Lines(string(file)) {
		n++
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case line[0] == '[':
			in = strings.TrimSuffix(line[1:], "]")
		case !ok:
			return nil, fmt.Errorf("line %d: %q is not a line of sharesec -v", n, line)
		case key == "REVISION":
			if name == "" || strings.EqualFold(in, name) {
				blocks++
			}
		case (name == "" || strings.EqualFold(in, name)) && key == "ACL":
			e, err := entry(value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			if entries = append(entries, e); len(entries) > maxEntries {
				return nil, fmt.Errorf("line %d: more than %d entries", n, maxEntries)
			}
		}
		found = found || blocks > 0
	}
	switch {
	case blocks > 1:
		return nil, fmt.Errorf("the file has %d shares: give FILE:SHARE", blocks)
	case !found:
		return nil, fmt.Errorf("the file has no share %q", name)
	}
	acl, err := sd.NewACL(entries...)
	if err != nil {
		return nil, err
	}
	return sd.New(sd.Parts{DACL: acl}), nil
}

// entry parses SID:TYPE/flags/rights. TYPE is ALLOWED, DENIED, 0 or 1. A name in place of the SID is an error. TYPE is
// case-sensitive. The SID ends at the last colon. A wrong number of parts, unknown flags and unknown rights are errors.
func entry(text string) (sd.ACE, error) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return sd.ACE{}, fmt.Errorf("%q: want SID:TYPE/flags/rights", text)
	}
	who, err := sid.Parse(text[:at])
	if err != nil {
		return sd.ACE{}, fmt.Errorf("%q: %w: ask sharesec for numbers", text[:at], err)
	}
	f := strings.Split(text[at+1:], "/")
	if len(f) != 3 {
		return sd.ACE{}, fmt.Errorf("%q: want SID:TYPE/flags/rights", text)
	}
	kinds := map[string]sd.Type{"ALLOWED": sd.AccessAllowed, "DENIED": sd.AccessDenied, "0": sd.AccessAllowed,
		"1": sd.AccessDenied}
	kind, ok := kinds[f[0]]
	if !ok {
		return sd.ACE{}, fmt.Errorf("type %q: want ALLOWED or DENIED", f[0])
	}
	flags, err := flagsOf(f[1])
	if err != nil {
		return sd.ACE{}, err
	}
	mask, err := maskOf(f[2])
	if err != nil {
		return sd.ACE{}, err
	}
	return sd.NewACE(kind, flags, mask, who)
}

// flagsOf parses a number up to 255, in decimal or hexadecimal, or OI, CI, NP, IO and I separated by bars. Any other
// text is an error, also an empty one, lower case, and a number among names.
func flagsOf(text string) (flags uint8, err error) {
	if n, err := strconv.ParseUint(text, 0, 8); err == nil {
		return uint8(n), nil
	}
	names := map[string]uint8{"OI": sd.ObjectInherit, "CI": sd.ContainerInherit, "NP": sd.NoPropagateInherit,
		"IO": sd.InheritOnly, "I": sd.Inherited}
	for name := range strings.SplitSeq(text, "|") {
		bit, ok := names[name]
		if !ok {
			return 0, fmt.Errorf("flags %q: want OI, CI, NP, IO or I", text)
		}
		flags |= bit
	}
	return flags, nil
}

// maskOf parses FULL, CHANGE, READ, letters of R W X D P O, or a number. "" is the mask 0. Other text is an error.
// Letters may repeat, in upper case only. A number has the syntax of a Go literal: 0x means hexadecimal, and a leading
// 0 octal. It must fit in 32 bits.
func maskOf(text string) (m winnt.AccessMask, err error) {
	switch text {
	case "FULL":
		return winnt.FILE_ALL_ACCESS, nil
	case "CHANGE":
		return winnt.FILE_ALL_ACCESS &^ (winnt.WRITE_DAC | winnt.WRITE_OWNER), nil
	case "READ":
		return winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_EXECUTE, nil
	}
	if n, err := strconv.ParseUint(text, 0, 32); err == nil {
		return winnt.AccessMask(n), nil
	}
	letters := map[rune]winnt.AccessMask{'R': winnt.FILE_GENERIC_READ, 'W': winnt.FILE_GENERIC_WRITE,
		'X': winnt.FILE_GENERIC_EXECUTE, 'D': winnt.DELETE, 'P': winnt.WRITE_DAC, 'O': winnt.WRITE_OWNER}
	for _, r := range text {
		bits, ok := letters[r]
		if !ok {
			return 0, fmt.Errorf("rights %q: want FULL, CHANGE, READ, letters of RWXDPO or a number", text)
		}
		m |= bits
	}
	return m, nil
}
