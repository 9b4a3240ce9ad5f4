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
)

// policyName is the file of a log's folder that has its policy.
const policyName = "policy.txt"

// LoadPolicy reads the policy of a folder; nil, the default policy, if it has
// none.
func LoadPolicy(dir string) (*audit.Policy, error) {
	b, err := os.ReadFile(filepath.Join(dir, policyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit policy: %w", err)
	}
	p, err := ParsePolicy(b)
	if err != nil {
		return nil, fmt.Errorf("read the audit policy %s: %w", filepath.Join(dir, policyName), err)
	}
	return p, nil
}

// ParsePolicy reads a policy in auditpol's words, one subcategory a line: its
// name, two blanks or more, and No Auditing, Success, Failure or Success and
// Failure. Lines before the first category that auditpol prints, headings and
// blank lines are passed over; a subcategory that is named twice is an error.
func ParsePolicy(text []byte) (*audit.Policy, error) {
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		name, setting, ok := cutSetting(line)
		if !ok {
			if line == "" || isHeading(line) {
				continue
			}
			return nil, fmt.Errorf("line %d: %q is no subcategory with its setting", n, line)
		}
		s, err := audit.ParseSubcategory(name)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if _, twice := spec.System[s]; twice {
			return nil, fmt.Errorf("line %d: %s is named twice", n, s)
		}
		spec.System[s] = setting
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return audit.NewPolicy(spec)
}

// settings are auditpol's words.
var settings = [...]struct {
	word  string
	value audit.Setting
}{
	{"Success and Failure", audit.OnBoth}, {"No Auditing", 0}, {"Success", audit.OnSuccess}, {"Failure",
		audit.OnFailure},
}

// Setting returns a setting in auditpol's words.
func Setting(v audit.Setting) string {
	for _, s := range settings {
		if s.value == v {
			return s.word
		}
	}
	return "No Auditing"
}

func cutSetting(line string) (name string, v audit.Setting, ok bool) {
	for _, s := range settings {
		if rest, found := strings.CutSuffix(line, "  "+s.word); found {
			return strings.TrimSpace(rest), s.value, true
		}
	}
	return "", 0, false
}

// isHeading reports whether auditpol prints the line between the settings.
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

// FormatPolicy writes a policy as auditpol /get prints it; nil is the default.
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

// StorePolicy puts a policy into a folder.
func StorePolicy(dir string, p *audit.Policy) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	name := filepath.Join(dir, policyName)
	if err := os.WriteFile(name+".new", FormatPolicy(p), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	return nil
}

// Change returns a policy with some subcategories set otherwise; success and failure
// are enable, disable or "" for no change. nil stands for the default policy.
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
