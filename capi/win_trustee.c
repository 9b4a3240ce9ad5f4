/* Trustees. The A and W structures have one layout, so the A functions are casts. */
#include "win.h"

static void build(PTRUSTEE_W t, TRUSTEE_FORM form, LPWSTR name)
{
	memset(t, 0, sizeof *t);
	t->TrusteeForm = form;
	t->TrusteeType = TRUSTEE_IS_UNKNOWN;
	t->ptstrName = name;
}

void WINAPI BuildTrusteeWithSidW(PTRUSTEE_W t, PSID sid) { build(t, TRUSTEE_IS_SID, sid); }

void WINAPI BuildTrusteeWithSidA(PTRUSTEE_A t, PSID sid) { build((PTRUSTEE_W)t, TRUSTEE_IS_SID, sid); }

void WINAPI BuildTrusteeWithNameW(PTRUSTEE_W t, LPWSTR name) { build(t, TRUSTEE_IS_NAME, name); }

void WINAPI BuildTrusteeWithNameA(PTRUSTEE_A t, LPSTR name) { build((PTRUSTEE_W)t, TRUSTEE_IS_NAME, (LPWSTR)name); }

TRUSTEE_FORM WINAPI GetTrusteeFormW(PTRUSTEE_W t) { return t ? t->TrusteeForm : TRUSTEE_BAD_FORM; }

TRUSTEE_FORM WINAPI GetTrusteeFormA(PTRUSTEE_A t) { return t ? t->TrusteeForm : TRUSTEE_BAD_FORM; }

TRUSTEE_TYPE WINAPI GetTrusteeTypeW(PTRUSTEE_W t) { return t ? t->TrusteeType : TRUSTEE_IS_UNKNOWN; }

TRUSTEE_TYPE WINAPI GetTrusteeTypeA(PTRUSTEE_A t) { return t ? t->TrusteeType : TRUSTEE_IS_UNKNOWN; }

/* A name is not looked up for a SID. */
LPWSTR WINAPI GetTrusteeNameW(PTRUSTEE_W t) { return t && t->TrusteeForm == TRUSTEE_IS_NAME ? t->ptstrName : NULL; }

LPSTR WINAPI GetTrusteeNameA(PTRUSTEE_A t) { return t && t->TrusteeForm == TRUSTEE_IS_NAME ? t->ptstrName : NULL; }

void WINAPI BuildExplicitAccessWithNameW(PEXPLICIT_ACCESS_W e, LPWSTR name, DWORD mask, ACCESS_MODE mode, DWORD inheritance)
{
	e->grfAccessPermissions = mask;
	e->grfAccessMode = mode;
	e->grfInheritance = inheritance;
	build(&e->Trustee, TRUSTEE_IS_NAME, name);
}

void WINAPI BuildExplicitAccessWithNameA(PEXPLICIT_ACCESS_A e, LPSTR name, DWORD mask, ACCESS_MODE mode, DWORD inheritance)
{
	e->grfAccessPermissions = mask;
	e->grfAccessMode = mode;
	e->grfInheritance = inheritance;
	build((PTRUSTEE_W)&e->Trustee, TRUSTEE_IS_NAME, (LPWSTR)name);
}
