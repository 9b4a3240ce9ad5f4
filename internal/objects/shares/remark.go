package shares

import (
	"fmt"
	"slices"
	"strings"
)

// unread maps unsupported parameters that change access to the value at which they have no effect.
var unread = map[string]string{
	"include": "", "configbackend": "file", "hostsallow": "", "hostsdeny": "", "guestok": "no", "guestonly": "no",
	"inheritowner": "no", "inheritpermissions": "no", "forcecreatemode": "", "forcedirectorymode": "",
	"aclgroupcontrol": "no", "mapaclinherit": "no", "ntaclsupport": "yes", "usernamemap": "", "hideunreadable": "no",
	"vetofiles": "", "acl_xattr:defaultaclstyle": "posix", "rootpreexec": "", "available": "yes",
	"accessbasedshareenum": "no", "usershareallowguests": "no", "followsymlinks": "yes", "widelinks": "no",
}

// noteUnsupported adds a note for each unsupported setting with an effect. It clears a Path with a variable, whose
// value is not known. settings has one setting for each parameter.
func (c *Config) noteUnsupported(settings []*setting) {
	var objects []string
	for _, s := range settings {
		name := parameter(s.key)
		harmless, known := unread[name]
		value := s.value
		if yes, err := boolean(value); err == nil { // such as 0 for no
			value = map[bool]string{true: "yes", false: "no"}[yes]
		}
		if strings.HasSuffix(name, "mode") {
			value = strings.TrimLeft(s.value, "0") // octal, so 0 and 0000 are equal
		}
		if known && value != "" && !strings.EqualFold(value, harmless) {
			c.note("%s = %s matters and is not read", s.name, s.value)
		}
		if name == "vfsobjects" {
			objects = list(s.value)
		}
	}
	for _, module := range objects {
		if module != "acl_xattr" {
			c.note("vfs objects: what %s does is not known", module)
		}
	}
	if !slices.Contains(objects, "acl_xattr") {
		c.note("vfs objects lacks acl_xattr: the server does not read the attribute of files")
	}
	if strings.Contains(c.Path, "%") {
		c.note("path = %s: what the server puts for %% is not known", c.Path)
		c.Path = ""
	}
	if strings.EqualFold(c.Share, "homes") {
		c.note("[homes] is a share for each user, with a path of its own")
	}
}

// note adds a message with the share's name to Notes.
func (c *Config) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf("[%s] ", c.Share)+fmt.Sprintf(format, args...))
}
