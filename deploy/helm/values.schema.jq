# Makes suture/values.schema.json of docs/schemas/config.schema.json: policies are checked as the host checks them, and so is
# `config`, but for what the chart sets itself.

def object: {type: "object"};
def text: {type: "string"};
def flag: {type: "boolean"};
def list: {type: "array"};
def texts: {type: "array", items: text};
def strings: {type: "object", additionalProperties: text};
def closed(properties): {type: "object", additionalProperties: false, properties: properties};
def port: {type: "integer", minimum: 1, maximum: 65535};
def duration: {type: "string", pattern: "^([0-9]+(ms|s|m|h|d))+$"};
def token: closed({enabled: flag, existingSecret: text, key: {type: "string", minLength: 1}});
def monitor: closed({enabled: flag, labels: strings, annotations: strings, interval: duration, scrapeTimeout: text,
  tlsConfig: object, relabelings: list, metricRelabelings: list});

# A definition of the configuration without the keys that the chart sets.
def without(keys): .properties |= delpaths([keys[] | [.]]) | if .required then .required -= keys else . end;

. as $configuration
| ($configuration["$defs"]
    | .ChartAdmin = (.Admin | without(["listen", "tokenFile", "metricsTokenFile"]))
    | .ChartWebhook = (.Webhook | without(["tokenFile"]))
    | .ChartStorage = (.Storage | without(["path"]))
    | .ChartLive = (.Live | without(["namespace", "kubeconfig", "context", "approvals"]))) as $definitions
| {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  title: "Values of the chart suture",
  type: "object",
  additionalProperties: false,
  "$defs": $definitions,
  properties: {
    global: object,
    nameOverride: text,
    fullnameOverride: text,
    commonLabels: strings,
    commonAnnotations: strings,
    image: closed({repository: text, tag: text, digest: text, pullPolicy: {enum: ["Always", "IfNotPresent", "Never"]}}),
    imagePullSecrets: {type: "array", items: closed({name: text})},
    policies: {type: "array", items: {"$ref": "#/$defs/PolicyEntry"}},
    config: ({type: "object", additionalProperties: false, properties: ($configuration.properties + {
      admin: {"$ref": "#/$defs/ChartAdmin"},
      webhook: {"$ref": "#/$defs/ChartWebhook"},
      storage: {"$ref": "#/$defs/ChartStorage"},
      cluster: closed({live: {"$ref": "#/$defs/ChartLive"}})
    })} | without(["listen", "policies"])),
    existingConfigMap: text,
    configFiles: strings,
    configSources: {type: "array", items: object},
    listenAddress: {type: "string", minLength: 1},
    logFormat: {enum: ["json", "table"]},
    logLevel: text,
    tokens: closed({webhook: token, admin: token, metrics: token}),
    acceptedRisks: {type: "array", items: {enum: ["openWebhook", "unconfirmedChanges", "secretsEverywhere", "everyGroup",
      "unpinnedPolicy", "ephemeralJournal"]}},
    approvals: closed({enabled: flag, crd: closed({enabled: flag, keep: flag}), admission: closed({enabled: flag}),
      roles: closed({enabled: flag})}),
    rbac: closed({create: flag}),
    serviceAccount: closed({create: flag, name: text, annotations: strings}),
    persistence: closed({enabled: flag, existingClaim: text, storageClassName: text, accessModes: texts, size: text, keep: flag,
      annotations: strings}),
    resources: object,
    startupProbe: object,
    livenessProbe: object,
    readinessProbe: object,
    terminationGracePeriodSeconds: {type: "integer", minimum: 30},
    podSecurityContext: object,
    securityContext: object,
    podLabels: strings,
    podAnnotations: strings,
    deploymentAnnotations: strings,
    priorityClassName: text,
    runtimeClassName: text,
    schedulerName: text,
    nodeSelector: strings,
    tolerations: {type: "array", items: object},
    affinity: object,
    dnsPolicy: text,
    dnsConfig: object,
    hostAliases: {type: "array", items: object},
    extraArgs: texts,
    extraEnv: {type: "array", items: object},
    extraEnvFrom: {type: "array", items: object},
    extraVolumes: {type: "array", items: object},
    extraVolumeMounts: {type: "array", items: object},
    extraInitContainers: {type: "array", items: object},
    extraContainers: {type: "array", items: object},
    extraObjects: {type: "array", items: {type: ["object", "string"]}},
    service: closed({type: {enum: ["ClusterIP", "NodePort", "LoadBalancer"]}, labels: strings, annotations: strings,
      ipFamilyPolicy: {enum: ["", "SingleStack", "PreferDualStack", "RequireDualStack"]}, webhookPort: port, adminPort: port}),
    networkPolicy: closed({
      enabled: flag,
      webhook: closed({from: {type: "array", items: object}}),
      admin: closed({from: {type: "array", items: object}}),
      egress: closed({enabled: flag, dns: {type: "array", items: object}, apiServer: texts,
        apiServerPorts: {type: "array", items: port, minItems: 1}, rules: {type: "array", items: object}})
    }),
    serviceMonitor: monitor,
    podMonitor: monitor,
    prometheusRule: closed({enabled: flag, labels: strings, annotations: strings, alertLabels: strings, runbookUrl: text,
      rules: {type: "object", additionalProperties: closed({enabled: flag, "for": duration, severity: text,
        threshold: {type: "number"}})},
      extraGroups: {type: "array", items: object}}),
    dashboards: closed({enabled: flag, operators: flag, authors: flag, labels: strings, annotations: strings, namespace: text}),
    alertmanagerConfig: closed({enabled: flag, labels: strings, annotations: strings, alertnames: text, groupBy: texts}),
    client: closed({caFile: text, identityFile: text, volumes: {type: "array", items: object},
      volumeMounts: {type: "array", items: object}, resources: object}),
    drain: closed({enabled: flag, wait: duration, timeout: duration}),
    test: closed({enabled: flag, args: texts})
  }
}
