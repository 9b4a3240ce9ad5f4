package shares

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Source is what a command line says about a share: a descriptor, the configuration, or both. The zero Source allows
// everything.
type Source struct {
	Text     string         // the descriptor as SDDL; "": none
	Security *sd.Descriptor // the descriptor from sharesec; nil: none
	Config   *Config        // nil: none
}

// isSDDL matches SDDL, as opposed to a file name.
var isSDDL = regexp.MustCompile(`^[OGDS]:`)

// ReadSource reads the values of --share: SDDL, FILE or FILE:SHARE. read returns the contents of a file. It does not
// parse the SDDL. Without values the result allows everything. More than one descriptor or configuration is an error.
func ReadSource(values []string, read func(name string) ([]byte, error)) (*Source, error) {
	s := &Source{}
	for _, value := range values {
		if isSDDL.MatchString(value) {
			if s.Text != "" || s.Security != nil {
				return nil, errors.New("--share: a share has one descriptor")
			}
			s.Text = value
			continue
		}
		if err := s.file(value, read); err != nil {
			return nil, fmt.Errorf("--share %s: %w", value, err)
		}
	}
	return s, nil
}

// ParseDescriptor parses the SDDL of a share that a program will enforce. It returns an error for text that Windows
// would repair, for aliases of a domain, and for a descriptor without a DACL.
func ParseDescriptor(text string) (*sd.Descriptor, error) {
	// A repaired mask with too many digits would grant every right (S-80).
	d, err := sddl.ParseStrict(text)
	// Whoever forgets the DACL would allow everybody everything (F-111).
	if err == nil && d.DACL() == nil {
		return nil, errors.New("want a DACL, such as D:(A;;FR;;;AU)")
	}
	return d, err
}

// file reads FILE or FILE:SHARE and stores a descriptor or configuration in s. Output of sharesec is a descriptor;
// any other file is a configuration. FILE:SHARE is first tried as the name of a file. A second descriptor or
// configuration is an error.
func (s *Source) file(value string, read func(string) ([]byte, error)) error {
	name, share := value, ""
	file, err := read(name)
	if at := strings.LastIndexByte(value, ':'); errors.Is(err, fs.ErrNotExist) && at > 0 {
		name, share = value[:at], strings.Trim(value[at+1:], "[]")
		file, err = read(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(value, ":/"):
		return fmt.Errorf("%w; a share of a Samba server is named by its file, as in smb.conf:%s", err, value)
	case err != nil:
		return err
	case IsSecurity(file) && (s.Text != "" || s.Security != nil):
		return errors.New("a share has one descriptor")
	case IsSecurity(file):
		s.Security, err = ParseSecurity(file, share)
	case s.Config != nil:
		return errors.New("one share at a time")
	default:
		s.Config, err = ParseConfig(file, share)
	}
	return err
}
