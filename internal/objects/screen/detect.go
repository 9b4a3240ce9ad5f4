package screen

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/objects"
)

// Forms of text that has no descriptors, with the command that prints them.
var (
	ErrTable = errors.New("this is the table of Get-Acl, which cuts the entries: " +
		"use Get-Acl PATH | Format-List, or Get-ChildItem -Recurse | Get-Acl | Select Path,Sddl | Export-Csv FILE")
	ErrFACL = errors.New("this is the output of getfacl, which has a POSIX ACL and no descriptor: run the command on " +
		"the files, as in refmon who-can read PATH -r, or write refmon acl export PATH -r > FILE")
	ErrEffective = errors.New("accesschk printed effective rights (R and W), not entries: " +
		"use accesschk -l -q PATH, or in PowerShell (Get-Acl PATH).Sddl")
)

var (
	prompt     = regexp.MustCompile(`^(PS [^>]*|[A-Za-z]:\\[^>]*)>`)
	faclLabel  = regexp.MustCompile(`(?m)^# file: .*\n# owner: `)
	property   = regexp.MustCompile(`^[A-Za-z]+ *: `)
	pathLabel  = regexp.MustCompile(`(?m)^(PSPath|Path|Owner|Sddl) *: `)
	tableLine  = regexp.MustCompile(`^Path +Owner +Access *$`)
	descriptor = regexp.MustCompile(`^[OGDS]:`)
	effective  = regexp.MustCompile(`^  (RW|R |  W|   ) \S`)
)

// IsPrompt reports whether a line is the prompt of PowerShell or cmd with the command that was typed there.
func IsPrompt(line string) bool { return prompt.MatchString(line) }

// Detect returns the reader of the form that a text begins with, or nil if the text is empty or in no form of this
// package. It ignores lines with a prompt (B-80). A form without descriptors is an error: [ErrTable], [ErrEffective] or
// [ErrFACL]. head is the beginning of the text, without a byte order mark and cut anywhere. SDDL comes first, then
// Get-Acl, then tables, getfacl and accesschk, and icacls last.
func Detect(head string) (open func(io.Reader) objects.Source, err error) {
	var lines []string
	for line := range strings.Lines(head) {
		if line = strings.TrimRight(line, " \r\n"); line != "" && !IsPrompt(line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, nil
	}
	first := lines[0]
	switch {
	case descriptor.MatchString(first) && !isPath(first):
		return newSDDL, nil
	case property.MatchString(first) && pathLabel.MatchString(head):
		return newGetAcl, nil
	case hasLine(lines, tableLine): // a table does not show complete entries (B-64)
		return nil, ErrTable
	case faclLabel.MatchString(head):
		return nil, ErrFACL
	case isAccessChk(lines):
		if open, err := accessChkForm(lines); open != nil || err != nil {
			return open, err
		}
	}
	if begins(lines) {
		return newICACLS, nil
	}
	return nil, nil
}

// isPath reports whether a line is a path of a drive and not SDDL, such as D:\data.
func isPath(line string) bool { return len(line) > 2 && strings.ContainsRune(`\/`, rune(line[2])) }

// hasLine reports whether one of the lines matches form.
func hasLine(lines []string, form *regexp.Regexp) bool {
	for _, line := range lines {
		if form.MatchString(line) {
			return true
		}
	}
	return false
}
