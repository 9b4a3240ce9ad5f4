package lint_test

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// Object types and a directory's generic rights distinguish a directory's descriptor from a file's (B-57).
func TestObjectTypesRevealDirectoryDescriptor(t *testing.T) {
	for text, want := range map[string]bool{
		"D:(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;WD)":       true,
		"D:(OA;CI;GA;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)":     true,
		"S:(OU;SA;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;;WD)":     true,
		"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)":                    true,
		"D:(A;;RPLCLORC;;;AU)":                                      true,
		"D:(A;;0x20028;;;AU)":                                       true,
		"D:(OA;;WP;;;WD)":                                           false,
		"D:(A;;FA;;;SY)(A;;0x1200a9;;;WD)(A;;GA;;;BA)(A;;0x3;;;AU)": false,
		"O:BA": false,
	} {
		check.Equal(t, lint.OfDirectory(sddl.MustParse(text)), want, "%s", text)
	}
}
