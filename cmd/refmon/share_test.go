package main

import (
	"testing"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
)

// The attribute of --attribute counts, even if it is the default one. Without the flag it is that of the share.
func TestAttributeFlagOverridesShare(t *testing.T) {
	for _, c := range []struct{ flag, share, want string }{
		{"", "", ""},
		{"", "user.share", "user.share"},
		{"user.flag", "", "user.flag"},
		{"user.flag", "user.share", "user.flag"},
		{ntacl.Name, "user.share", ntacl.Name},
	} {
		var asked cli
		parser := check.Must(kong.New(&asked, flagTexts))
		args := []string{"who-can", "read"}
		if c.flag != "" {
			args = append(args, "--attribute", c.flag)
		}
		check.NoError(t, check.Err(parser.Parse(args)))
		g := gate{shares.Source{Config: &shares.Config{Attribute: c.share}}}
		g.objects(&asked.WhoCan.objectsFlags, nil)
		check.Equal(t, asked.WhoCan.Attribute, c.want, "--attribute %q, share with %q: attribute", c.flag, c.share)
	}
}
