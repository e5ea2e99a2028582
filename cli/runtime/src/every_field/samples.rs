//! A sample of each field.

/// Fields of the image's making, and the project's name: their rooms have tests of their own.
pub(super) const IN_IMAGES: &[&str] = &[
    "/name",
    "build.args",
    "build.cache_from",
    "build.context",
    "build.dockerfile",
    "build.dockerfile_inline",
    "build.extra_hosts",
    "build.isolation",
    "build.labels",
    "build.network",
    "build.no_cache",
    "build.platforms",
    "build.pull",
    "build.shm_size",
    "build.tags",
    "build.target",
    "image",
    "platform",
    "pull_policy",
];

/// Lines `@NAME | TOP LEVEL | SERVICE`, each a base to add to, then lines `FIELDS | BASE | SERVICE`,
/// each with what stands in the service in place of the base's own; of fields that begin with a slash it
/// stands at the top level.
pub(super) const ALL: &str = r##"
@NETWORK | networks: {more: } | networks: [more]
@FILLED_CONFIG | configs: {a: {content: text}} | configs: [a]
@FILLED_SECRET | secrets: {a: {file: ./f}} | secrets: [a]
@BUILT |  | build: {context: .}
@BUILT_WITH | secrets: {a: {file: ./f}} | build: {context: .}
@CONFIG | configs: {a: {content: text}} | 
@SECRET | secrets: {a: {environment: PASSWORD}} | 
@GIVEN_CONFIG | configs: {a: {content: text}} | configs: [a]
@GIVEN_SECRET | secrets: {a: {environment: PASSWORD}} | secrets: [a]
@DEPENDENT |  | depends_on: [db]
@RESERVED |  | deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}
@RESTARTED |  | deploy: {restart_policy: {condition: on-failure}}
@GIVEN_DEVICE |  | devices: [{source: /dev/zero, target: /dev/null}]
@GPU |  | gpus: [{}]
@FROM_FILE |  | env_file: [{path: b.env}]
@NETWORKED |  | networks: {default: }
@ADDRESSED | networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: "fd00::/64"}]}}} | networks: {default: }
@RANGED | networks: {more: {ipam: {config: [{subnet: 10.9.0.0/24}]}}} | networks: [more]
@TWICE_NETWORKED | networks: {more: } | networks: {default: , more: }
@PROBED |  | healthcheck: {test: probe}
@OPEN |  | ports: [{target: 80}]
@BOUND |  | volumes: [{type: bind, source: /s, target: /t}]
@IN_MEMORY |  | volumes: [{type: tmpfs, target: /t}]
@UNNAMED_VOLUME |  | volumes: [{type: volume, target: /t}]
@VOLUME | volumes: {data: } | volumes: [{type: volume, source: data, target: /t}]
annotations |  | annotations: {a: b}
attach |  | attach: false
blkio_config.device_read_bps.path blkio_config.device_read_bps.rate |  | blkio_config: {device_read_bps: [{path: /dev/sda, rate: 1mb}]}
blkio_config.device_read_iops.path blkio_config.device_read_iops.rate |  | blkio_config: {device_read_iops: [{path: /dev/sda, rate: 1mb}]}
blkio_config.device_write_bps.path blkio_config.device_write_bps.rate |  | blkio_config: {device_write_bps: [{path: /dev/sda, rate: 1mb}]}
blkio_config.device_write_iops.path blkio_config.device_write_iops.rate |  | blkio_config: {device_write_iops: [{path: /dev/sda, rate: 1mb}]}
blkio_config.weight |  | blkio_config: {weight: 300}
blkio_config.weight_device.path blkio_config.weight_device.weight |  | blkio_config: {weight_device: [{path: /dev/sda, weight: 400}]}
build.additional_contexts | BUILT | build: {context: ., additional_contexts: {a: ../b}}
build.args | BUILT | build: {context: ., args: {A: 1}}
build.cache_from | BUILT | build: {context: ., cache_from: [a]}
build.cache_to | BUILT | build: {context: ., cache_to: [a]}
build.context | BUILT | build: {context: other}
build.dockerfile | BUILT | build: {context: ., dockerfile: D}
build.dockerfile_inline | BUILT | build: {context: ., dockerfile_inline: FROM scratch}
build.entitlements | BUILT | build: {context: ., entitlements: [network.host]}
build.extra_hosts | BUILT | build: {context: ., extra_hosts: ["a=10.0.0.1"]}
build.isolation | BUILT | build: {context: ., isolation: default}
build.labels | BUILT | build: {context: ., labels: {a: 1}}
build.network | BUILT | build: {context: ., network: host}
build.no_cache | BUILT | build: {context: ., no_cache: true}
build.no_cache_filter | BUILT | build: {context: ., no_cache_filter: a}
build.platforms | BUILT | build: {context: ., platforms: [linux/amd64]}
build.privileged | BUILT | build: {context: ., privileged: true}
build.provenance | BUILT | build: {context: ., provenance: true}
build.pull | BUILT | build: {context: ., pull: true}
build.sbom | BUILT | build: {context: ., sbom: true}
build.secrets.gid build.secrets.mode build.secrets.source build.secrets.target build.secrets.uid | BUILT_WITH | build: {context: ., secrets: [{source: a, target: b, uid: "1", gid: "1", mode: 0400}]}
build.shm_size | BUILT | build: {context: ., shm_size: 64m}
build.ssh | BUILT | build: {context: ., ssh: [default]}
build.tags | BUILT | build: {context: ., tags: [a]}
build.target | BUILT | build: {context: ., target: a}
build.ulimits.hard build.ulimits.soft | BUILT | build: {context: ., ulimits: {nofile: {soft: 1, hard: 2}}}
cap_add |  | cap_add: [NET_ADMIN]
cap_drop |  | cap_drop: [ALL]
cgroup |  | cgroup: host
cgroup_parent |  | cgroup_parent: a
command |  | command: [a]
configs.gid | GIVEN_CONFIG | configs: [{source: a, gid: "7"}]
configs.mode | GIVEN_CONFIG | configs: [{source: a, mode: 0400}]
configs.source | CONFIG | configs: [a]
configs.target | GIVEN_CONFIG | configs: [{source: a, target: /b}]
configs.uid | GIVEN_CONFIG | configs: [{source: a, uid: "7"}]
container_name |  | container_name: cc
cpu_count |  | cpu_count: 1
cpu_percent |  | cpu_percent: 50
cpu_period |  | cpu_period: 1000
cpu_quota |  | cpu_quota: 1000
cpu_rt_period |  | cpu_rt_period: 1000
cpu_rt_runtime |  | cpu_rt_runtime: 1000
cpu_shares |  | cpu_shares: 5
cpus |  | cpus: 0.5
cpuset |  | cpuset: "0"
credential_spec.config |  | credential_spec: {config: a}
credential_spec.file |  | credential_spec: {file: a}
credential_spec.registry |  | credential_spec: {registry: a}
depends_on.condition | DEPENDENT | depends_on: {db: {condition: service_healthy}}
depends_on.required | DEPENDENT | depends_on: {db: {condition: service_started, required: false}}
depends_on.restart | DEPENDENT | depends_on: {db: {condition: service_started, restart: true}}
deploy.endpoint_mode |  | deploy: {endpoint_mode: vip}
deploy.labels |  | deploy: {labels: {a: b}}
deploy.mode |  | deploy: {mode: replicated}
deploy.placement.constraints |  | deploy: {placement: {constraints: [a]}}
deploy.placement.max_replicas_per_node |  | deploy: {placement: {max_replicas_per_node: 1}}
deploy.placement.preferences.spread |  | deploy: {placement: {preferences: [{spread: a}]}}
deploy.replicas |  | deploy: {replicas: 2}
deploy.resources.limits.cpus |  | deploy: {resources: {limits: {cpus: 0.5}}}
deploy.resources.limits.memory |  | deploy: {resources: {limits: {memory: 64m}}}
deploy.resources.limits.pids |  | deploy: {resources: {limits: {pids: 5}}}
deploy.resources.reservations.cpus |  | deploy: {resources: {reservations: {cpus: 0.5}}}
deploy.resources.reservations.devices.capabilities |  | deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}
deploy.resources.reservations.devices.count | RESERVED | deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 2}]}}}
deploy.resources.reservations.devices.device_ids | RESERVED | deploy: {resources: {reservations: {devices: [{capabilities: [gpu], device_ids: [a]}]}}}
deploy.resources.reservations.devices.driver | RESERVED | deploy: {resources: {reservations: {devices: [{capabilities: [gpu], driver: nvidia}]}}}
deploy.resources.reservations.devices.options | RESERVED | deploy: {resources: {reservations: {devices: [{capabilities: [gpu], options: {a: b}}]}}}
deploy.resources.reservations.generic_resources.discrete_resource_spec.kind deploy.resources.reservations.generic_resources.discrete_resource_spec.value |  | deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}}
deploy.resources.reservations.memory |  | deploy: {resources: {reservations: {memory: 64m}}}
deploy.restart_policy.condition |  | deploy: {restart_policy: {condition: on-failure}}
deploy.restart_policy.delay | RESTARTED | deploy: {restart_policy: {condition: on-failure, delay: 3s}}
deploy.restart_policy.max_attempts | RESTARTED | deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}
deploy.restart_policy.window | RESTARTED | deploy: {restart_policy: {condition: on-failure, window: 3s}}
deploy.rollback_config.delay |  | deploy: {rollback_config: {delay: 1s}}
deploy.rollback_config.failure_action |  | deploy: {rollback_config: {failure_action: pause}}
deploy.rollback_config.max_failure_ratio |  | deploy: {rollback_config: {max_failure_ratio: 0.5}}
deploy.rollback_config.monitor |  | deploy: {rollback_config: {monitor: 1s}}
deploy.rollback_config.order |  | deploy: {rollback_config: {order: stop-first}}
deploy.rollback_config.parallelism |  | deploy: {rollback_config: {parallelism: 1}}
deploy.update_config.delay |  | deploy: {update_config: {delay: 1s}}
deploy.update_config.failure_action |  | deploy: {update_config: {failure_action: pause}}
deploy.update_config.max_failure_ratio |  | deploy: {update_config: {max_failure_ratio: 0.5}}
deploy.update_config.monitor |  | deploy: {update_config: {monitor: 1s}}
deploy.update_config.order |  | deploy: {update_config: {order: stop-first}}
deploy.update_config.parallelism |  | deploy: {update_config: {parallelism: 1}}
develop.watch.action |  | develop: {watch: [{path: ., action: sync, target: /a}]}
develop.watch.exec.command |  | develop: {watch: [{path: ., exec: {command: a}, action: rebuild}]}
develop.watch.exec.environment |  | develop: {watch: [{path: ., exec: {command: a, environment: {a: b}}, action: rebuild}]}
develop.watch.exec.privileged |  | develop: {watch: [{path: ., exec: {command: a, privileged: true}, action: rebuild}]}
develop.watch.exec.user |  | develop: {watch: [{path: ., exec: {command: a, user: a}, action: rebuild}]}
develop.watch.exec.working_dir |  | develop: {watch: [{path: ., exec: {command: a, working_dir: /a}, action: rebuild}]}
develop.watch.ignore |  | develop: {watch: [{path: ., ignore: [a], action: rebuild}]}
develop.watch.include |  | develop: {watch: [{path: ., include: [a], action: rebuild}]}
develop.watch.initial_sync |  | develop: {watch: [{path: ., initial_sync: true, action: rebuild}]}
develop.watch.path |  | develop: {watch: [{path: ., action: rebuild}]}
develop.watch.target |  | develop: {watch: [{path: ., target: /a, action: rebuild}]}
device_cgroup_rules |  | device_cgroup_rules: ["c 1:3 mr"]
devices.permissions | GIVEN_DEVICE | devices: [{source: /dev/null, target: /dev/null, permissions: r}]
devices.source |  | devices: [{source: /dev/zero, target: /dev/null}]
devices.target | GIVEN_DEVICE | devices: [{source: /dev/null, target: /dev/a}]
dns |  | dns: 10.0.0.1
dns_opt |  | dns_opt: [ndots:1]
dns_search |  | dns_search: a.b
domainname |  | domainname: a
entrypoint |  | entrypoint: [a]
env_file.format | FROM_FILE | env_file: [{path: b.env, format: raw}]
env_file.path |  | env_file: [{path: a.env}]
env_file.required |  | env_file: [{path: no.env, required: false}, {path: a.env}]
environment |  | environment: {A: 1}
expose |  | expose: [81]
extends.service extends.file |  | extends: {file: more.yaml, service: old}
external_links |  | external_links: [a]
extra_hosts |  | extra_hosts: {a: 10.0.0.1}
gpus.capabilities | GPU | gpus: [{capabilities: [compute]}]
gpus.count | GPU | gpus: [{count: 2}]
gpus.device_ids | GPU | gpus: [{device_ids: [a]}]
gpus.driver | GPU | gpus: [{driver: nvidia}]
gpus.options | GPU | gpus: [{options: {a: b}}]
group_add |  | group_add: [a]
healthcheck.disable |  | healthcheck: {disable: true}
healthcheck.interval | PROBED | healthcheck: {test: probe, interval: 7s}
healthcheck.retries | PROBED | healthcheck: {test: probe, retries: 7}
healthcheck.start_interval | PROBED | healthcheck: {test: probe, start_interval: 7s}
healthcheck.start_period | PROBED | healthcheck: {test: probe, start_period: 7s}
healthcheck.test |  | healthcheck: {test: [NONE]}
healthcheck.timeout | PROBED | healthcheck: {test: probe, timeout: 7s}
hostname |  | hostname: h
image |  | 
init |  | init: true
ipc |  | ipc: host
isolation |  | isolation: default
label_file |  | label_file: a.env
labels |  | labels: {a: b}
links |  | links: ["db:database"]
logging.driver |  | logging: {driver: none}
logging.options |  | logging: {options: {a: b}}
mac_address |  | mac_address: "02:42:ac:11:65:43"
mem_limit |  | mem_limit: 64m
mem_reservation |  | mem_reservation: 64m
mem_swappiness |  | mem_swappiness: 5
memswap_limit |  | memswap_limit: 64m
models.endpoint_var models.model_var |  | models: {a: {endpoint_var: A, model_var: B}}
network_mode |  | network_mode: host
networks.aliases | NETWORKED | networks: {default: {aliases: [a]}}
networks.driver_opts | NETWORKED | networks: {default: {driver_opts: {a: b}}}
networks.gw_priority | NETWORKED | networks: {default: {gw_priority: 1}}
networks.interface_name | NETWORKED | networks: {default: {interface_name: lan}}
networks.ipv4_address | ADDRESSED | networks: {default: {ipv4_address: 10.0.0.7}}
networks.ipv6_address | ADDRESSED | networks: {default: {ipv6_address: "fd00::7"}}
networks.link_local_ips | NETWORKED | networks: {default: {link_local_ips: [169.254.1.2]}}
networks.mac_address | NETWORKED | networks: {default: {mac_address: "02:42:ac:11:65:43"}}
networks.priority | TWICE_NETWORKED | networks: {default: , more: {priority: 5}}
oom_kill_disable |  | oom_kill_disable: true
oom_score_adj |  | oom_score_adj: 5
pid |  | pid: host
pids_limit |  | pids_limit: 5
platform |  | platform: linux/amd64
ports.app_protocol | OPEN | ports: [{target: 80, app_protocol: http}]
ports.host_ip | OPEN | ports: [{target: 80, host_ip: 127.0.0.2}]
ports.mode | OPEN | ports: [{target: 80, mode: host}]
ports.name | OPEN | ports: [{target: 80, name: a}]
ports.protocol | OPEN | ports: [{target: 80, protocol: udp}]
ports.published | OPEN | ports: [{target: 80, published: 81}]
ports.target | OPEN | ports: [{target: 81}]
post_start.command |  | post_start: [{command: a}]
post_start.environment |  | post_start: [{command: a, environment: {a: b}}]
post_start.privileged |  | post_start: [{command: a, privileged: true}]
post_start.user |  | post_start: [{command: a, user: a}]
post_start.working_dir |  | post_start: [{command: a, working_dir: /a}]
pre_start.command |  | pre_start: [{command: a}]
pre_start.environment |  | pre_start: [{environment: {a: b}}]
pre_start.image |  | pre_start: [{image: a}]
pre_start.per_replica |  | pre_start: [{per_replica: true}]
pre_start.privileged |  | pre_start: [{privileged: true}]
pre_start.user |  | pre_start: [{user: a}]
pre_start.working_dir |  | pre_start: [{working_dir: /a}]
pre_stop.command |  | pre_stop: [{command: a}]
pre_stop.environment |  | pre_stop: [{command: a, environment: {a: b}}]
pre_stop.privileged |  | pre_stop: [{command: a, privileged: true}]
pre_stop.user |  | pre_stop: [{command: a, user: a}]
pre_stop.working_dir |  | pre_stop: [{command: a, working_dir: /a}]
privileged |  | privileged: true
profiles |  | profiles: [more]
provider.options provider.type |  | provider: {type: a, options: {b: c}}
pull_policy |  | pull_policy: never
pull_refresh_after |  | pull_refresh_after: 1h
read_only |  | read_only: true
restart |  | restart: always
runtime |  | runtime: runc
scale |  | scale: 2
secrets.gid | GIVEN_SECRET | secrets: [{source: a, gid: "7"}]
secrets.mode | GIVEN_SECRET | secrets: [{source: a, mode: 0400}]
secrets.source | SECRET | secrets: [a]
secrets.target | GIVEN_SECRET | secrets: [{source: a, target: /b}]
secrets.uid | GIVEN_SECRET | secrets: [{source: a, uid: "7"}]
security_opt |  | security_opt: [no-new-privileges]
shm_size |  | shm_size: 64m
stdin_open |  | stdin_open: true
stop_grace_period |  | stop_grace_period: 3s
stop_signal |  | stop_signal: SIGINT
storage_opt |  | storage_opt: {size: 1G}
sysctls |  | sysctls: {a.b: 1}
tmpfs |  | tmpfs: "/run:size=1m"
tty |  | tty: true
ulimits.hard ulimits.soft |  | ulimits: {nofile: {soft: 1, hard: 2}}
use_api_socket |  | use_api_socket: true
user |  | user: a
userns_mode |  | userns_mode: host
uts |  | uts: host
volumes.bind.create_host_path | BOUND | volumes: [{type: bind, source: /s, target: /t, bind: {create_host_path: false}}]
volumes.bind.propagation | BOUND | volumes: [{type: bind, source: /s, target: /t, bind: {propagation: rslave}}]
volumes.bind.recursive | BOUND | volumes: [{type: bind, source: /s, target: /t, bind: {recursive: disabled}}]
volumes.bind.selinux | BOUND | volumes: [{type: bind, source: /s, target: /t, bind: {selinux: z}}]
volumes.consistency | BOUND | volumes: [{type: bind, source: /s, target: /t, consistency: cached}]
volumes.image.subpath |  | volumes: [{type: image, source: a, target: /t, image: {subpath: a}}]
volumes.read_only | BOUND | volumes: [{type: bind, source: /s, target: /t, read_only: true}]
volumes.source | BOUND | volumes: [{type: bind, source: /r, target: /t}]
volumes.target volumes.type | BOUND | volumes: [{type: volume, target: /u}]
volumes.tmpfs.mode | IN_MEMORY | volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 0700}}]
volumes.tmpfs.size | IN_MEMORY | volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]
volumes.volume.labels | UNNAMED_VOLUME | volumes: [{type: volume, target: /t, volume: {labels: {a: b}}}]
volumes.volume.nocopy | VOLUME | volumes: [{type: volume, source: data, target: /t, volume: {nocopy: true}}]
volumes.volume.subpath | VOLUME | volumes: [{type: volume, source: data, target: /t, volume: {subpath: a}}]
volumes_from |  | volumes_from: [db]
working_dir |  | working_dir: /a
/configs.content | FILLED_CONFIG | configs: {a: {content: other}}
/configs.environment | FILLED_CONFIG | configs: {a: {environment: PASSWORD}}
/configs.external | FILLED_CONFIG | configs: {a: {external: true}}
/configs.file | FILLED_CONFIG | configs: {a: {file: ./f}}
/configs.labels | FILLED_CONFIG | configs: {a: {content: text, labels: {a: b}}}
/configs.name | FILLED_CONFIG | configs: {a: {content: text, name: b}}
/configs.template_driver | FILLED_CONFIG | configs: {a: {content: text, template_driver: golang}}
/include.path /include.env_file /include.project_directory |  | include: [{path: more.yaml, env_file: a.env, project_directory: .}]
/models.context_size /models.model /models.name /models.runtime_flags |  | models: {m: {model: a, context_size: 5, name: b, runtime_flags: [c]}}
/name |  | name: other
/networks.attachable | NETWORK | networks: {more: {attachable: true}}
/networks.driver | NETWORK | networks: {more: {driver: macvlan}}
/networks.driver_opts | NETWORK | networks: {more: {driver_opts: {a: b}}}
/networks.enable_ipv4 | NETWORK | networks: {more: {enable_ipv4: false}}
/networks.enable_ipv6 | NETWORK | networks: {more: {enable_ipv6: true}}
/networks.external | NETWORK | networks: {more: {external: true}}
/networks.internal | NETWORK | networks: {more: {internal: true}}
/networks.ipam.config.aux_addresses | RANGED | networks: {more: {ipam: {config: [{subnet: 10.9.0.0/24, aux_addresses: {a: 10.9.0.5}}]}}}
/networks.ipam.config.gateway | RANGED | networks: {more: {ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}}}
/networks.ipam.config.ip_range | RANGED | networks: {more: {ipam: {config: [{subnet: 10.9.0.0/24, ip_range: 10.9.0.0/25}]}}}
/networks.ipam.config.subnet | NETWORK | networks: {more: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
/networks.ipam.driver | NETWORK | networks: {more: {ipam: {driver: far}}}
/networks.ipam.options | NETWORK | networks: {more: {ipam: {options: {a: b}}}}
/networks.labels | NETWORK | networks: {more: {labels: {a: b}}}
/networks.name | NETWORK | networks: {more: {name: b}}
/secrets.driver | FILLED_SECRET | secrets: {a: {file: ./f, driver: x}}
/secrets.driver_opts | FILLED_SECRET | secrets: {a: {file: ./f, driver_opts: {a: b}}}
/secrets.environment | FILLED_SECRET | secrets: {a: {environment: PASSWORD}}
/secrets.external | FILLED_SECRET | secrets: {a: {external: true}}
/secrets.file | FILLED_SECRET | secrets: {a: {file: ./g}}
/secrets.labels | FILLED_SECRET | secrets: {a: {file: ./f, labels: {a: b}}}
/secrets.name | FILLED_SECRET | secrets: {a: {file: ./f, name: b}}
/secrets.template_driver | FILLED_SECRET | secrets: {a: {file: ./f, template_driver: golang}}
/version |  | version: "3"
/volumes.driver | VOLUME | volumes: {data: {driver: far}}
/volumes.driver_opts | VOLUME | volumes: {data: {driver_opts: {o: size=1}}}
/volumes.external | VOLUME | volumes: {data: {external: true}}
/volumes.labels | VOLUME | volumes: {data: {labels: {a: b}}}
/volumes.name | VOLUME | volumes: {data: {name: b}}
"##;
