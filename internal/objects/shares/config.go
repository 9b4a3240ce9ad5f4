package shares

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is the section of a share. The zero value lets no one write.
type Config struct {
	Share       string // its name
	Path        string
	Attribute   string   // in which descriptors are kept; "": the default
	IgnorePOSIX bool     // acl_xattr:ignore system acls
	Notes       []string // settings that matter and are not read, for people

	valid, invalid, read, write, admin []string
	writable                           bool
	forceUser, forceGroup              string
}

// ParseConfig returns a share's configuration from smb.conf or the output of testparm -s. The name may be "" if the
// file has exactly one share; its case does not matter. An unknown share, a malformed line and a share that copies a
// missing section are errors. Settings that matter and are not supported are in Notes.
//
// The order of the file counts as for a Samba server (F-217). The last setting of a parameter counts.
func ParseConfig(file []byte, name string) (*Config, error) {
	sections, err := parse(string(file))
	if err != nil {
		return nil, err
	}
	var share *section
	var names []string
	settings := map[string]*setting{}
	for _, s := range sections {
		if strings.EqualFold(s.name, globalName) {
			for name, x := range s.own {
				if isServerWide(name) {
					settings[name] = x
				}
			}
			continue
		}
		names = append(names, s.name)
		if strings.EqualFold(s.name, name) {
			share = s
		}
	}
	switch {
	case share == nil && name == "" && len(names) == 1:
		share = sections[slices.IndexFunc(sections, func(s *section) bool { return s.name == names[0] })]
	case len(names) == 0:
		return nil, fmt.Errorf("share %q: the file has no share: for shares in the registry or in included files, give what "+
			"net conf list or testparm -s prints", name)
	case share == nil:
		return nil, fmt.Errorf("share %q: the file has the shares %s: give FILE:SHARE", name, strings.Join(names, ", "))
	}
	if share.failed != nil {
		return nil, share.failed
	}
	maps.Copy(settings, share.settings())
	all := slices.SortedFunc(maps.Values(settings), func(a, b *setting) int { return a.line - b.line })
	c := &Config{Share: share.name}
	for _, s := range all {
		if err := c.set(s); err != nil {
			return nil, err
		}
	}
	c.noteUnsupported(all)
	return c, nil
}

// set applies one setting, in place of an earlier one. It ignores unknown settings. A value that must be yes or no
// and is not is an error; c must not be used then.
func (c *Config) set(s *setting) (err error) {
	switch s.key {
	case "path", "directory":
		c.Path = s.value
	case "validusers":
		c.valid = list(s.value)
	case "invalidusers":
		c.invalid = list(s.value)
	case "readlist":
		c.read = list(s.value)
	case "writelist":
		c.write = list(s.value)
	case "adminusers":
		c.admin = list(s.value)
	case "readonly":
		c.writable, err = boolean(s.value)
		c.writable = !c.writable
	case "writeable", "writable", "writeok":
		c.writable, err = boolean(s.value)
	case "forceuser":
		c.forceUser = strings.Trim(s.value, `"`)
	case "forcegroup", "group":
		c.forceGroup = strings.Trim(s.value, `"`)
	case "acl_xattr:ignoresystemacls":
		c.IgnorePOSIX, err = boolean(s.value)
	case "acl_xattr:security_acl_name":
		c.Attribute = s.value
	}
	return err
}

// boolean parses yes, true, on and 1, or no, false, off and 0, in any case. Every other value, "" included, is an
// error.
func boolean(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "yes", "true", "on", "1":
		return true, nil
	case "no", "false", "off", "0":
		return false, nil
	}
	return false, errors.New("want yes or no")
}

// list splits a list of names at commas, semicolons and blanks outside quotes, and returns the names without their
// quotes; nil for an empty value. A quote without its end runs to the end of the value.
func list(value string) (out []string) {
	quoted, begun := false, false
	var name strings.Builder
	for _, r := range value {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case !quoted && strings.ContainsRune(",; \t", r):
			if begun {
				out = append(out, name.String())
			}
			name.Reset()
			begun = false
		default:
			name.WriteRune(r)
			begun = true
		}
	}
	if begun {
		out = append(out, name.String())
	}
	return out
}
