package trail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/strict"
)

// policyName is the name of the policy file in a log's folder.
const policyName = "policy.txt"

// LoadPolicy reads the policy file in a log's folder. It returns nil, the default policy, and no error if the folder
// has none. A malformed file is an error with its line. A file that cannot be read is an error, and so is one that
// lacks a subcategory or the end of its last line.
func LoadPolicy(dir string) (*audit.Policy, error) {
	b, err := os.ReadFile(filepath.Join(dir, policyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit policy: %w", err)
	}
	spec, err := parsePolicy(b)
	if err == nil {
		err = checkComplete(b, spec)
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit policy %s: %w", filepath.Join(dir, policyName), err)
	}
	return audit.NewPolicy(spec)
}

// checkComplete returns an error if a stored policy lacks a subcategory or the end of the last line. StorePolicy writes
// all of them, so such a file was cut off, and missing ones would not be audited (U-1).
func checkComplete(text []byte, spec audit.PolicySpec) error {
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		// If "Success and Failure" is cut off, the rest can be a different valid setting.
		return errors.New("the last line does not end: the file may have been cut off: end the line if it is complete, or " +
			"remove the file for the default policy")
	}
	for s := range audit.Subcategories {
		if _, ok := spec.System[s]; !ok {
			return fmt.Errorf("%s is missing: the file may have been cut off: remove it for the default policy", s)
		}
	}
	return nil
}

// ParsePolicy parses a policy in auditpol's words, one subcategory a line: its name, two or more blanks, and No
// Auditing, Success, Failure or Success and Failure. Subcategories that the text leaves out are not audited. It skips
// headings and blank lines. Any other line is an error, and so is a repeated subcategory.
func ParsePolicy(text []byte) (*audit.Policy, error) {
	spec, err := parsePolicy(text)
	if err != nil {
		return nil, err
	}
	return audit.NewPolicy(spec)
}

// parsePolicy returns the settings that a text names, see [ParsePolicy]. With an error they are incomplete.
func parsePolicy(text []byte) (audit.PolicySpec, error) {
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		name, setting, ok := cutSetting(line)
		if !ok {
			if line == "" || isHeading(line) {
				continue
			}
			return spec, fmt.Errorf("line %d: %q is not a subcategory with its setting", n, line)
		}
		s, err := audit.ParseSubcategory(name)
		if err != nil {
			return spec, fmt.Errorf("line %d: %w", n, err)
		}
		if _, twice := spec.System[s]; twice {
			return spec, fmt.Errorf("line %d: %s is named twice", n, s)
		}
		spec.System[s] = setting
	}
	return spec, strict.LineError(lines.Err(), n, bufio.MaxScanTokenSize)
}

// settings maps settings to auditpol's words.
var settings = [...]struct {
	word  string
	value audit.Setting
}{
	{"Success and Failure", audit.OnBoth}, {"No Auditing", 0}, {"Success", audit.OnSuccess}, {"Failure",
		audit.OnFailure},
}

// Setting returns a setting in auditpol's words, "No Auditing" for an unknown one.
func Setting(v audit.Setting) string {
	for _, s := range settings {
		if s.value == v {
			return s.word
		}
	}
	return "No Auditing"
}

// cutSetting splits a line of auditpol's output into the subcategory's name and the setting. ok is false for a
// line without a known setting.
func cutSetting(line string) (name string, v audit.Setting, ok bool) {
	for _, s := range settings {
		if rest, found := strings.CutSuffix(line, "  "+s.word); found {
			return strings.TrimSpace(rest), s.value, true
		}
	}
	return "", 0, false
}

// isHeading reports whether a line is one of auditpol's headings. Category names match in any case, the others as
// they are.
func isHeading(line string) bool {
	if line == "System audit policy" || strings.HasPrefix(line, "Category/Subcategory") {
		return true
	}
	for c := audit.CategorySystem; c <= audit.CategoryAccountLogon; c++ {
		if strings.EqualFold(line, c.String()) {
			return true
		}
	}
	return false
}

// FormatPolicy returns a policy in the form of auditpol /get, which [ParsePolicy] reads. It lists every subcategory. A
// nil policy is the default policy.
func FormatPolicy(p *audit.Policy) []byte {
	if p == nil {
		p = audit.DefaultPolicy()
	}
	b := []byte("System audit policy\nCategory/Subcategory                      Setting\n")
	for c := audit.CategorySystem; c <= audit.CategoryAccountLogon; c++ {
		b = fmt.Appendf(b, "%s\n", c)
		for s := range audit.Subcategories {
			if s.Category() == c {
				b = fmt.Appendf(b, "  %-38s  %s\n", s, Setting(p.System(s)))
			}
		}
	}
	return b
}

// StorePolicy writes a policy to a log's folder, which it creates if it is missing. It replaces an earlier policy by a
// rename. After a nil error the new policy survives a crash; a crash before that leaves the old or the new one. A nil
// policy is the default policy.
func StorePolicy(dir string, p *audit.Policy) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	name := filepath.Join(dir, policyName)
	if err := diskio.Faults(nil).Replace(name, FormatPolicy(p), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	return nil
}

// Change returns a copy of a policy with some subcategories changed; p stays as it is. success and failure are "enable"
// or "disable"; any other text is not a change. A nil policy is the default policy. An unknown subcategory is an error.
func Change(p *audit.Policy, subcategories []string, success, failure string) (*audit.Policy, error) {
	if p == nil {
		p = audit.DefaultPolicy()
	}
	spec := p.Spec()
	for _, name := range subcategories {
		s, err := audit.ParseSubcategory(name)
		if err != nil {
			return nil, err
		}
		for bit, word := range map[audit.Setting]string{audit.OnSuccess: success, audit.OnFailure: failure} {
			switch word {
			case "enable":
				spec.System[s] |= bit
			case "disable":
				spec.System[s] &^= bit
			}
		}
	}
	return audit.NewPolicy(spec)
}
