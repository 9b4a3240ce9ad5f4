package nt_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// The classes of the queries print as their documented names, other numbers as numbers.
func TestClassesPrintDocumentedNames(t *testing.T) {
	for want, class := range map[string]fmt.Stringer{
		"MutantBasicInformation":            nt.MutantBasicInformation,
		"SemaphoreBasicInformation":         nt.SemaphoreBasicInformation,
		"TimerBasicInformation":             nt.TimerBasicInformation,
		"JobObjectSecurityLimitInformation": nt.JobObjectSecurityLimitInformation,
		"ThreadImpersonationToken":          nt.ThreadImpersonationToken,
		"ProcessAccessToken":                nt.ProcessAccessToken,
		"FilePipeLocalInformation":          nt.FilePipeLocalInformation,
		"FileFsDeviceInformation":           nt.FileFsDeviceInformation,
		"ObjectHandleFlagInformation":       nt.ObjectHandleFlagInformation,
		"OBJECT_INFORMATION_CLASS(5)":       nt.ObjectInfoClass(5),
		"MUTANT_INFORMATION_CLASS(1)":       nt.MutantInfoClass(1),
		"SEMAPHORE_INFORMATION_CLASS(1)":    nt.SemaphoreInfoClass(1),
		"TIMER_INFORMATION_CLASS(1)":        nt.TimerInfoClass(1),
	} {
		check.Equal(t, class.String(), want, "String")
	}
}
