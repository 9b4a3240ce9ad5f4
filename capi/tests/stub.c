#include "check.h"
void test_tokens(void){} void test_query(void){} void test_checks(void){} void test_security(void){} void test_text(void){} void test_objects(void){} void test_threads(void){}
