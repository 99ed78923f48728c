// What a policy finds when it is a component. `suture build` puts this before the policy
// (`esbuild --inject`), so that it holds for whatever the policy imports, too.

import * as clock from "suture:policy/clock@0.2.0";
import * as kube from "suture:policy/kube@0.2.0";
import * as log from "suture:policy/log@0.2.0";
import * as prometheus from "suture:policy/prometheus@0.2.0";
import { forbid } from "./forbid.ts";
import { install } from "./host.ts";
import { readSourceMap } from "./sources.ts";

install({ kube, prometheus, clock, log });
forbid();
readSourceMap();
