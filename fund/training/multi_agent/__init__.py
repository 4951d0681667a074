"""Learning on teams (`fund.envs.team`): PPO with a centralised critic (MAPPO) or each agent's own (IPPO), and others.

    settings    what can be set, with its checks
    group       agents that share one policy
    networks    actor, critic, what an actor's output means
    returns     advantages, value normalisation
    learner     the loop: play, judge, improve
    session     a training from start to end: selection, checkpoints, logs, signals
    store       best and latest with their cards
    acting      trained agents at work, without a critic
    stages      the GrandModel's stages: settings, training, comparison with their rules
    curriculum  worlds that grow harder while a team learns
    tuning      settings of a stage's training searched for (Optuna)
    modes       one stage, all as one team, all at the same time

    algorithms  the algorithms by name: mappo, ippo, qmix, vdn, dqn, maddpg
    several     agents of one team that learn by different ones; rates and the like of one's own are `settings.agents`
    sequential  agents that learn one after another (HAPPO)
    off_policy  the loop of those that learn from a `replay`: `qmix` (and VDN, DQN), `maddpg`

    processes   the same training in several processes: `workers` that play `shards`, `ranks` that step as one

    rewards     shaping, mixing, scaling; the choice among objectives
    components  what rewards are made of, their history and its analysis
    adaptive    weights of components, fixed, held to limits or in balance

    compatible  the trainer interface of the GrandModel's guide

PPO is that of Schulman et al. (2017) with the choices of Yu, Velu, Vinitsky, Gao, Wang, Bayen & Wu (2022), "The
surprising effectiveness of PPO in cooperative multi-agent games"; the others name their papers.
"""
